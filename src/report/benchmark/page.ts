import { type Content, type Html, html, trusted } from "./html.js";
import { STYLE } from "./style.js";

/**
 * A whole document: no script, no address outside itself, and a policy that lets the browser follow neither, whatever a
 * file's names may hold.
 */
export function page(title: string, content: Content): string {
  const document: Html = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="color-scheme" content="light">
<title>${title}</title>
<link rel="icon" href="data:,">
<style>${trusted(STYLE)}</style>
</head>
<body>
${content}</body>
</html>
`;
  return document.markup;
}

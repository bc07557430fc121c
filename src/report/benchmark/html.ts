/** Markup that is safe to put into a page as it is. Only {@link html} and {@link trusted} make it. */
export class Html {
  constructor(readonly markup: string) {}
}

/** What may stand in a page: text and numbers are escaped, markup is not, nothing is left out. */
export type Content = string | number | Html | undefined | false | readonly Content[];

/**
 * Tag of templates: every value is escaped unless it is markup itself, so that a gene may have any name.
 * Values stand in text or in quoted attributes, nowhere else.
 */
export function html(strings: TemplateStringsArray, ...values: Content[]): Html {
  return new Html(
    strings.reduce((markup, string, i) => markup + string + (i < values.length ? render(values[i]) : ""), ""),
  );
}

/** Markup that another module made and answers for, e.g. an SVG document of our own. */
export function trusted(markup: string): Html {
  return new Html(markup);
}

/** A sentence as others wrote it: intervals are kept on one line, and minus signs are such. */
export function sentence(text: string): Html {
  const minus = text.replace(/(?<=^|[\s[(])-(?=\.?\d)/g, "−");
  const parts = minus.split(/(\[[^\][]{1,30}\])/);
  return html`${parts.map((part, i) => (i % 2 === 1 ? html`<span class="whole">${part}</span>` : part))}`;
}

function render(content: Content): string {
  if (content instanceof Html) return content.markup;
  if (content === undefined || content === false) return "";
  if (typeof content === "object") return content.map(render).join("");
  return escapeHtml(`${content}`);
}

/** Without the characters that neither HTML nor SVG may hold. */
export function printable(text: string): string {
  return text.replace(/[\p{Cs}\uFFFE\uFFFF]|(?![\t\n\r])\p{Cc}/gu, "\uFFFD");
}

function escapeHtml(text: string): string {
  return printable(text)
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;")
    .replaceAll("'", "&#39;");
}

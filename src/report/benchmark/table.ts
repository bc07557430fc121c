import { type Content, type Html, html } from "./html.js";

export interface Column<Row> {
  readonly heading: Content;
  /** Numbers stand to the right. */
  readonly numeric?: boolean;
  cell(row: Row): Content;
}

export interface RowGroup<Row> {
  /** Heads its rows; none if there is but one group. */
  readonly heading?: string;
  readonly rows: readonly Row[];
}

/**
 * A table that scrolls inside its own box where the page is narrow, its first column staying in sight.
 *
 * @param first heading and cells of the first column, which name the rows
 */
export function table<Row>({
  caption,
  first,
  columns,
  groups,
  name,
}: {
  readonly caption: Content;
  readonly first: Column<Row>;
  readonly columns: readonly Column<Row>[];
  readonly groups: readonly RowGroup<Row>[];
  /** For readers who cannot see the box. */
  readonly name: string;
}): Html {
  const bodies = groups
    .filter(({ rows }) => rows.length > 0)
    .map(
      ({ heading, rows }) => html`<tbody>
${
  heading !== undefined &&
  html`<tr class="group"><th scope="rowgroup" colspan="${columns.length + 1}"><span>${heading}</span></th></tr>
`
}${rows.map(
  (row) => html`<tr><th scope="row">${first.cell(row)}</th>${columns.map(
    ({ cell, numeric }) => html`<td${numeric && html` class="number"`}>${cell(row)}</td>`,
  )}</tr>
`,
)}</tbody>
`,
    );
  const heads = columns.map(
    ({ heading, numeric }) => html`<th scope="col"${numeric && html` class="number"`}>${heading}</th>`,
  );
  return html`<div class="scroll" role="region" aria-label="${name}" tabindex="0">
<table>
<caption><span>${caption}</span></caption>
<thead><tr><th scope="col">${first.heading}</th>${heads}</tr></thead>
${bodies}</table>
</div>
`;
}

/** Closed at first on a screen, open in print. */
export function details(summary: Content, content: Content, className?: string): Html {
  return html`<details${className !== undefined && html` class="${className}"`}>
<summary>${summary}</summary>
<div class="inside">
${content}</div>
</details>
`;
}

import { type Content, type Html, html } from "./html.js";
import { inlineSvg } from "./inline-svg.js";

/** A drawn figure, and the name of its file without the extension. */
export interface Figure {
  readonly name: string;
  readonly svg: string;
}

/** Gives every figure of a page a name and ids of its own, and remembers it for the files beside the page. */
export interface FigureShelf {
  /** Puts a figure into the page; returns its markup. */
  place(figure: Figure, caption?: Content): Html;
  /** Every figure placed so far, by the name of its file. */
  files(): Record<string, string>;
}

export function figureShelf(): FigureShelf {
  const files = new Map<string, string>();
  return {
    place({ name, svg }, caption) {
      let file = `${name}.svg`;
      for (let i = 2; files.has(file); i++) file = `${name}-${i}.svg`;
      files.set(file, svg);
      const picture = inlineSvg(svg, `figure-${files.size}`);
      return html`<figure>${picture}${caption !== undefined && html`<figcaption>${caption}</figcaption>`}</figure>
`;
    },
    files: () => Object.fromEntries(files),
  };
}

/** Figures side by side where there is room, below each other on a phone. */
export function gallery(figures: readonly Html[]): Html {
  return html`<div class="gallery">
${figures}</div>
`;
}

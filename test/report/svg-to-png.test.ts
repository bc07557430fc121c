import { inflateSync } from "node:zlib";
import { afterEach, describe, expect, it, vi } from "vitest";
import { renderPairSvg } from "../../dist/report/pair-image.js";
import { svgToPng } from "../../dist/report/svg-to-png.js";

const SIGNATURE = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
const SVG =
  '<svg xmlns="http://www.w3.org/2000/svg" width="60" height="30"><rect width="60" height="30" fill="white"/>' +
  '<rect x="0" y="0" width="10" height="10" fill="#440154"/>' +
  '<text x="20" y="25" font-family="No Such Font, sans-serif" font-size="20">M</text></svg>';

interface Picture {
  width: number;
  height: number;
  /** [red, green, blue, alpha] at a pixel. */
  at(x: number, y: number): number[];
}

/** A reader of 8-bit RGBA PNGs written from the specification, so that the rasteriser does not judge itself. */
function decode(png: Uint8Array): Picture {
  const bytes = Buffer.from(png);
  expect([...bytes.subarray(0, 8)]).toEqual(SIGNATURE);
  const chunks: Buffer[] = [];
  for (let at = 8; at < bytes.length; ) {
    const length = bytes.readUInt32BE(at);
    if (bytes.toString("latin1", at + 4, at + 8) === "IDAT") {
      chunks.push(bytes.subarray(at + 8, at + 8 + length));
    }
    at += 12 + length;
  }
  const width = bytes.readUInt32BE(16);
  const height = bytes.readUInt32BE(20);
  expect([...bytes.subarray(24, 29)], "8-bit RGBA, not interlaced").toEqual([8, 6, 0, 0, 0]);

  const raw = inflateSync(Buffer.concat(chunks));
  const stride = width * 4;
  const pixels = new Uint8Array(stride * height);
  const paeth = (left: number, up: number, corner: number) => {
    const guess = left + up - corner;
    const [byLeft, byUp, byCorner] = [left, up, corner].map((value) => Math.abs(guess - value));
    return byLeft <= byUp && byLeft <= byCorner ? left : byUp <= byCorner ? up : corner;
  };
  for (let y = 0; y < height; y++) {
    const filter = raw[y * (stride + 1)];
    for (let i = 0; i < stride; i++) {
      const left = i >= 4 ? pixels[y * stride + i - 4] : 0;
      const up = y > 0 ? pixels[(y - 1) * stride + i] : 0;
      const corner = i >= 4 && y > 0 ? pixels[(y - 1) * stride + i - 4] : 0;
      const predicted = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][filter];
      pixels[y * stride + i] = raw[y * (stride + 1) + 1 + i] + predicted;
    }
  }
  return { width, height, at: (x, y) => [...pixels.subarray(y * stride + x * 4, y * stride + x * 4 + 4)] };
}

afterEach(() => {
  vi.doUnmock("@resvg/resvg-js");
  vi.resetModules();
});

describe("svgToPng", () => {
  it("writes twice the size of the SVG unless told", async () => {
    const twice = decode(await svgToPng(SVG));
    expect([twice.width, twice.height]).toEqual([120, 60]);
    const same = decode(await svgToPng(SVG, { scale: 1 }));
    expect([same.width, same.height]).toEqual([60, 30]);
  });

  it("draws shapes where they are, on an opaque background", async () => {
    const picture = decode(await svgToPng(SVG));
    expect(picture.at(0, 0)).toEqual([0x44, 0x01, 0x54, 255]);
    expect(picture.at(19, 19)).toEqual([0x44, 0x01, 0x54, 255]);
    expect(picture.at(20, 20)).toEqual([255, 255, 255, 255]);
    expect(picture.at(119, 59)).toEqual([255, 255, 255, 255]);
  });

  it("draws text with the font it brings, whatever fonts the machine has", async () => {
    const picture = decode(await svgToPng(SVG));
    let inked = 0;
    for (let y = 20; y < 52; y++) {
      for (let x = 40; x < 80; x++) {
        inked += picture.at(x, y)[0] < 128 ? 1 : 0;
      }
    }
    // DejaVu Sans' M at 40 pixels: 29 high, two stems about 4 wide and the diagonals.
    expect(inked).toBeGreaterThan(200);
    expect(inked).toBeLessThan(600);
  });

  it("draws a whole gene-pair picture", async () => {
    const edges = Array.from({ length: 33 }, (_, index) => index / 8);
    const counts = new Uint16Array(1024).fill(7, 31 * 32, 31 * 32 + 1);
    const svg = await renderPairSvg({
      geneA: "A",
      geneB: "B",
      cells: 7,
      counts,
      edgesA: edges,
      edgesB: edges,
      units: "u",
    });
    const [, width, height] = svg.match(/^<svg [^>]*width="(\d+)" height="(\d+)"/) ?? [];
    const [, left, top] =
      svg.match(/translate\((\d+),(\d+)\)"><path class="background"[^>]*d="M0,0h416v416/) ?? [];
    const picture = decode(await svgToPng(svg));
    expect([picture.width, picture.height]).toEqual([2 * Number(width), 2 * Number(height)]);
    const bin = (column: number, row: number) =>
      picture.at(2 * (Number(left) + column * 13 + 6), 2 * (Number(top) + row * 13 + 6));
    expect(bin(0, 0)).not.toEqual([255, 255, 255, 255]);
    expect(bin(1, 0)).toEqual([255, 255, 255, 255]);
    expect(bin(0, 1)).toEqual([255, 255, 255, 255]);
    expect(bin(31, 31)).toEqual([255, 255, 255, 255]);
  });

  it.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY, 21])("refuses the scale %d", async (scale) => {
    await expect(svgToPng(SVG, { scale })).rejects.toMatchObject({
      name: "CnncError",
      code: "PNG_SCALE_INVALID",
    });
  });

  it("names the remedy where the rasteriser does not load", async () => {
    vi.resetModules();
    vi.doMock("@resvg/resvg-js", () => {
      throw new Error("no native binding");
    });
    const fresh = await import("../../dist/report/svg-to-png.js");
    await expect(fresh.svgToPng(SVG)).rejects.toMatchObject({
      name: "CnncError",
      code: "PNG_UNAVAILABLE",
      remedy: "Use .svg instead of .png.",
    });
  });
});

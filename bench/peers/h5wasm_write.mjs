/**
 * Writes as many uint16 images of 32 x 32 with h5wasm alone, and prints how long that took as JSON.
 *
 *   node h5wasm_write.mjs OUT IMAGES IMAGES_PER_CHUNK IMAGES_PER_WRITE
 */
import { File, Module, ready } from "h5wasm/node";

const [path, ...numbers] = process.argv.slice(2);
const [images, chunk, batch] = numbers.map(Number);
// Values as histograms have them: mostly small, not all equal.
const data = Uint16Array.from({ length: batch * 1024 }, (_, i) => (i * 2654435761) % 97);

await ready;
Module.activate_throwing_error_handler();
const start = performance.now();
const file = new File(path, "w");
let dataset;
for (let first = 0; first < images; first += batch) {
  const end = Math.min(images, first + batch);
  const part = data.subarray(0, (end - first) * 1024);
  if (dataset === undefined) {
    dataset = file.create_dataset({
      name: "counts",
      data: part,
      shape: [end, 32, 32],
      maxshape: [null, 32, 32],
      chunks: [chunk, 32, 32],
    });
  } else {
    dataset.resize([end, 32, 32]);
    const whole = [0, 32];
    dataset.write_slice([[first, end], whole, whole], part);
  }
}
file.close();
console.log(JSON.stringify({ seconds: (performance.now() - start) / 1000 }));

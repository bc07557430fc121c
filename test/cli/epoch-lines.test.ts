import { describe, expect, it } from "vitest";
import { describeEpoch, epochLines } from "../../dist/cli/epoch-lines.js";

const recordOf = (epoch: number, seconds: number) => ({ epoch, loss: 0.5, learningRate: 0.1, seconds });

/** Numbers of the epochs that are told. */
function told(ran: number, epochs: number, secondsOf: (epoch: number) => number): number[] {
  const lines: string[] = [];
  const { listener, end } = epochLines((line) => lines.push(line));
  for (let epoch = 1; epoch <= ran; epoch++) listener(recordOf(epoch, secondsOf(epoch)), epochs);
  end();
  end();
  return lines.map((line) => Number(/^epoch (\d+) of /.exec(line)?.[1]));
}

describe("lines of epochs", () => {
  it("are all told up to a dozen", () => {
    expect(told(12, 12, () => 0.1)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  });

  it("are told now and then where there are many quick ones, with the first and the last", () => {
    expect(told(60, 60, () => 0.1)).toEqual([1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60]);
    expect(told(50, 50, () => 1)).toEqual([1, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50]);
    expect(told(25, 25, () => 0)).toEqual([1, 3, 6, 9, 12, 15, 18, 21, 24, 25]);
  });

  it("are told of every slow one", () => {
    expect(told(20, 60, (epoch) => (epoch > 6 && epoch < 9 ? 1.1 : 1))).toEqual([1, 5, 7, 8, 10, 15, 20]);
    expect(told(30, 30, () => 2)).toHaveLength(30);
  });

  it("end with the last one of a training that stops early", () => {
    expect(told(7, 60, () => 0.1)).toEqual([1, 5, 7]);
    expect(told(0, 60, () => 0.1)).toEqual([]);
  });

  it("say what was measured", () => {
    expect(describeEpoch(recordOf(3, 4), 12)).toBe("epoch 3 of 12: loss 0.5000, in 4.0 s");
    const validation = { loss: 0.61234, auroc: 0.71249 };
    expect(describeEpoch({ ...recordOf(3, 4), validation }, 12)).toBe(
      "epoch 3 of 12: loss 0.5000, validation loss 0.6123, AUROC 0.712, in 4.0 s",
    );
  });
});

import { expect, it } from "vitest";
import { learningCurveCsv } from "../../dist/training/learning-curve.js";

it("has a line per epoch, with empty fields for what was not measured", () => {
  const csv = learningCurveCsv([
    { epoch: 1, loss: 0.75, learningRate: 1e-3, seconds: 1.23456 },
    {
      epoch: 2,
      loss: 0.5,
      learningRate: 4e-8,
      validation: { loss: 0.625, auroc: 0.875 },
      seconds: 2,
    },
    {
      epoch: 3,
      loss: 0.25,
      learningRate: 0,
      validation: { loss: 0.5, auroc: 1, directionAuroc: 0.75 },
      seconds: 0,
    },
  ]);
  expect(csv.split("\n")).toEqual([
    "epoch,learning_rate,loss,validation_loss,validation_auroc,validation_direction_auroc,seconds",
    "1,0.001,0.75,,,,1.235",
    "2,4e-8,0.5,0.625,0.875,,2.000",
    "3,0,0.25,0.5,1,0.75,0.000",
    "",
  ]);
});

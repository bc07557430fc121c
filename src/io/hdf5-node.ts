/** The attributes that the formats we read give a meaning to; no others are read. */
export const KNOWN_ATTRIBUTES = [
  "encoding-type",
  "encoding-version",
  "shape",
  "_index",
  "column-order",
  "categories",
  "h5sparse_format",
  "h5sparse_shape",
  "layer_names",
  "weight_names",
  "backend",
  "keras_version",
  "cells",
  "ordered",
  "scale",
  "shard",
  "transform",
] as const;

/** An attribute: arrays as arrays; an object reference as the path that it points to. */
export type AttributeValue = string | number | (string | number)[];

export type Attributes = Partial<Record<(typeof KNOWN_ATTRIBUTES)[number], AttributeValue>>;

export interface GroupNode {
  readonly kind: "group";
  readonly path: string;
  readonly attributes: Attributes;
  readonly children: readonly string[];
}

export interface DatasetNode {
  readonly kind: "dataset";
  readonly path: string;
  readonly attributes: Attributes;
  /** `[]` for a scalar, `null` for an empty dataspace. */
  readonly shape: readonly number[] | null;
  /** A numpy name (`int32`, `float64`, `bool`, ...), `string`, `compound`, or `HDF5 class <n>` for all else. */
  readonly dtype: string;
  /** Bytes of one element in memory. */
  readonly itemBytes: number;
  /** `null` when the layout is not chunked. */
  readonly chunks: readonly number[] | null;
  /** Names of the HDF5 filters, in the order in which they were applied. */
  readonly filters: readonly string[];
  /** The fields of a compound type, else empty. */
  readonly fields: readonly { readonly name: string; readonly dtype: string }[];
}

/** What stands at a path of an HDF5 file. */
export type Hdf5Node = GroupNode | DatasetNode;

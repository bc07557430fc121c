#pragma once

#include "bindings/napi_setup.hpp"

namespace cnnc::bindings {

/// geneFeatures(store, genes, out, threads, job): Promise<void>
Napi::Value gene_features(const Napi::CallbackInfo& info);

/// boostClasses(training, labels, classes, test, columns, bags, growth, out, threads, job): Promise<void>
Napi::Value boost_classes(const Napi::CallbackInfo& info);

/// treeImportances(store, regulators, targets, growth, patience, out, threads, job): Promise<void>
Napi::Value tree_importances(const Napi::CallbackInfo& info);

}  // namespace cnnc::bindings

#include "cpu/onednn.hpp"

namespace cnnc::onednn {
namespace {

using dnnl::algorithm;
using dnnl::memory;
using dnnl::prop_kind;
using Forward = dnnl::convolution_forward;
using BackwardWeights = dnnl::convolution_backward_weights;
using DenseForward = dnnl::inner_product_forward;
using DenseBackwardWeights = dnnl::inner_product_backward_weights;

memory::dim dim(std::size_t size) { return static_cast<memory::dim>(size); }

memory::desc activation(const Product& product, const Shape& shape) {
  const auto type = data_type(product.precision);
  const auto images = dim(product.images);
  if (product.dense) return {{images, dim(shape.channels)}, type, memory::format_tag::nc};
  return {{images, dim(shape.channels), dim(shape.height), dim(shape.width)}, type, memory::format_tag::nhwc};
}

memory::desc kernel_desc(const Product& product, memory::data_type type, memory::format_tag tag) {
  if (product.dense) return {{dim(product.out.channels), dim(product.in.channels)}, type, tag};
  const auto size = dim(product.kernel);
  return {{dim(product.out.channels), dim(product.in.channels), size, size}, type, tag};
}

memory::desc any_kernel(const Product& product, memory::data_type type) {
  return kernel_desc(product, type, memory::format_tag::any);
}

dnnl::primitive_attr attributes(bool relu) {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  if (relu) {
    dnnl::post_ops operations;
#if DNNL_VERSION_MAJOR >= 3
    operations.append_eltwise(algorithm::eltwise_relu, 0, 0);
#else
    operations.append_eltwise(1, algorithm::eltwise_relu, 0, 0);
#endif
    attributes.set_post_ops(operations);
  }
  return attributes;
}

memory::dims ones() { return {1, 1}; }
memory::dims padding(const Product& product) { return {dim(product.padding), dim(product.padding)}; }

Forward::primitive_desc conv_forward(const Product& p, bool relu, prop_kind kind, const memory::desc& biases) {
  const auto weights = any_kernel(p, data_type(p.precision));
#if DNNL_VERSION_MAJOR >= 3
  return {cpu_engine(), kind, algorithm::convolution_direct, source(p), weights, biases, destination(p), ones(),
          padding(p), padding(p), attributes(relu)};
#else
  const Forward::desc desc(kind, algorithm::convolution_direct, source(p), weights, biases, destination(p), ones(),
                           padding(p), padding(p));
  return {desc, attributes(relu), cpu_engine()};
#endif
}

BackwardWeights::primitive_desc conv_backward_weights(const Product& p) {
  const auto weights = any_kernel(p, memory::data_type::f32);
  const auto hint = conv_forward(p, false, prop_kind::forward_training, bias(p));
#if DNNL_VERSION_MAJOR >= 3
  return {cpu_engine(), algorithm::convolution_direct, source(p), weights, bias(p), destination(p), ones(),
          padding(p),   padding(p),                    hint,      attributes(false)};
#else
  const BackwardWeights::desc desc(algorithm::convolution_direct, source(p), weights, bias(p), destination(p), ones(),
                                   padding(p), padding(p));
  return {desc, attributes(false), cpu_engine(), hint};
#endif
}

DenseForward::primitive_desc dense_forward(const Product& p, bool relu, prop_kind kind, const memory::desc& biases) {
  const auto weights = any_kernel(p, data_type(p.precision));
#if DNNL_VERSION_MAJOR >= 3
  return {cpu_engine(), kind, source(p), weights, biases, destination(p), attributes(relu)};
#else
  return {DenseForward::desc(kind, source(p), weights, biases, destination(p)), attributes(relu), cpu_engine()};
#endif
}

DenseBackwardWeights::primitive_desc dense_backward_weights(const Product& p) {
  const auto weights = any_kernel(p, memory::data_type::f32);
  const auto hint = dense_forward(p, false, prop_kind::forward_training, bias(p));
#if DNNL_VERSION_MAJOR >= 3
  return {cpu_engine(), source(p), weights, bias(p), destination(p), hint, attributes(false)};
#else
  return {DenseBackwardWeights::desc(source(p), weights, bias(p), destination(p)), attributes(false), cpu_engine(),
          hint};
#endif
}

}  // namespace

const dnnl::engine& cpu_engine() {
  static const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  return engine;
}

bool uses_avx2() noexcept {
  // Instruction sets are sets of bits.
  constexpr auto kNeeded = static_cast<unsigned>(dnnl_cpu_isa_avx2);
  return (static_cast<unsigned>(dnnl_get_effective_cpu_isa()) & kNeeded) == kNeeded;
}

memory::data_type data_type(Precision precision) {
  return precision == Precision::bf16 ? memory::data_type::bf16 : memory::data_type::f32;
}

memory::desc source(const Product& product) { return activation(product, product.in); }
memory::desc destination(const Product& product) { return activation(product, product.out); }

memory::desc kernel(const Product& product) {
  // oneDNN counts dimensions as (out, in, height, width): hwio is Keras' order, io its dense kernel's.
  return kernel_desc(product, memory::data_type::f32,
                     product.dense ? memory::format_tag::io : memory::format_tag::hwio);
}

memory::desc bias(const Product& product) {
  return {{dim(product.out.channels)}, memory::data_type::f32, memory::format_tag::x};
}

Product reversed(const Product& product) {
  return {product.images,
          product.out,
          product.in,
          product.dense,
          product.kernel,
          product.dense ? 0 : product.kernel - 1 - product.padding,
          product.precision};
}

memory::desc reversed_kernel(const Product& product) {
  const auto in = dim(product.in.channels);
  const auto out = dim(product.out.channels);
  if (product.dense) return {{in, out}, memory::data_type::f32, memory::dims{out, 1}};
  const auto size = dim(product.kernel);
  return {{in, out, size, size}, memory::data_type::f32, memory::dims{out, 1, size * in * out, in * out}};
}

Primitive forward(const Product& product, bool relu, bool training) {
  const auto kind = training ? prop_kind::forward_training : prop_kind::forward_inference;
  if (product.dense) {
    const auto desc = dense_forward(product, relu, kind, bias(product));
    return {DenseForward(desc), desc.weights_desc(), desc.scratchpad_desc()};
  }
  const auto desc = conv_forward(product, relu, kind, bias(product));
  return {Forward(desc), desc.weights_desc(), desc.scratchpad_desc()};
}

Primitive backward_data(const Product& product) {
  const Product turned = reversed(product);
  const auto kind = prop_kind::forward_inference;
  if (product.dense) {
    const auto desc = dense_forward(turned, false, kind, memory::desc());
    return {DenseForward(desc), desc.weights_desc(), desc.scratchpad_desc()};
  }
  const auto desc = conv_forward(turned, false, kind, memory::desc());
  return {Forward(desc), desc.weights_desc(), desc.scratchpad_desc()};
}

Primitive backward_weights(const Product& product) {
  if (product.dense) {
    const auto desc = dense_backward_weights(product);
    return {DenseBackwardWeights(desc), desc.diff_weights_desc(), desc.scratchpad_desc()};
  }
  const auto desc = conv_backward_weights(product);
  return {BackwardWeights(desc), desc.diff_weights_desc(), desc.scratchpad_desc()};
}

}  // namespace cnnc::onednn

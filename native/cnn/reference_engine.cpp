#include "cnn/reference_engine.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

namespace cnnc {
namespace {

using Values = std::vector<double>;

enum class Mode { train, predict };

/// What the layers of one run need to know besides their input.
struct Run {
  Mode mode;
  std::size_t images;
  std::span<const float> parameters;
  std::optional<DropoutKey> dropout;
};

const float* parameters_of(const Run& run, const PlacedLayer& layer, std::size_t index) {
  return run.parameters.data() + layer.parameters[index].offset;
}

/// Mean and variance of each channel, over all images and pixels or as learned.
struct Statistics {
  Values mean;
  Values variance;
};

Statistics statistics(const Run& run, const PlacedLayer& layer, const Values& in) {
  const std::size_t channels = layer.in.channels;
  Statistics result{Values(channels), Values(channels)};
  const std::size_t samples = in.size() / channels;
  for (std::size_t c = 0; c < channels; ++c) {
    if (run.mode == Mode::predict) {
      result.mean[c] = parameters_of(run, layer, 2)[c];
      result.variance[c] = parameters_of(run, layer, 3)[c];
      continue;
    }
    for (std::size_t i = 0; i < samples; ++i) result.mean[c] += in[i * channels + c] / samples;
    for (std::size_t i = 0; i < samples; ++i) {
      result.variance[c] += std::pow(in[i * channels + c] - result.mean[c], 2) / samples;
    }
  }
  return result;
}

/// Calls visit(output position, input position, kernel position) for all that a convolution connects.
template <class Visit>
void visit_taps(const Conv& conv, const PlacedLayer& layer, std::size_t images, Visit&& visit) {
  const std::size_t before = conv.same ? conv.kernel / 2 : 0;
  for (std::size_t n = 0; n < images; ++n) {
    for (std::size_t y = 0; y < layer.out.height; ++y) {
      for (std::size_t x = 0; x < layer.out.width; ++x) {
        for (std::size_t ky = 0; ky < conv.kernel; ++ky) {
          for (std::size_t kx = 0; kx < conv.kernel; ++kx) {
            // Unsigned: positions before the image wrap round and are seen as beyond it.
            const std::size_t in_y = y + ky - before;
            const std::size_t in_x = x + kx - before;
            if (in_y >= layer.in.height || in_x >= layer.in.width) continue;
            visit((n * layer.out.pixels() + y * layer.out.width + x) * layer.out.channels,
                  (n * layer.in.pixels() + in_y * layer.in.width + in_x) * layer.in.channels,
                  (ky * conv.kernel + kx) * layer.in.channels * layer.out.channels);
          }
        }
      }
    }
  }
}

/// Calls visit(output position, input position) for all members of all pooling windows, in order.
template <class Visit>
void visit_windows(const Pool& pool, const PlacedLayer& layer, std::size_t images, Visit&& visit) {
  for (std::size_t n = 0; n < images; ++n) {
    for (std::size_t y = 0; y < layer.out.height * pool.size; ++y) {
      for (std::size_t x = 0; x < layer.out.width * pool.size; ++x) {
        const std::size_t out = n * layer.out.pixels() + y / pool.size * layer.out.width + x / pool.size;
        const std::size_t in = n * layer.in.pixels() + y * layer.in.width + x;
        for (std::size_t c = 0; c < layer.in.channels; ++c) {
          visit(out * layer.in.channels + c, in * layer.in.channels + c);
        }
      }
    }
  }
}

/// Position in the input of each output's maximum, the first of several.
std::vector<std::size_t> maxima(const Pool& pool, const PlacedLayer& layer, std::size_t images, const Values& in) {
  constexpr auto kNone = static_cast<std::size_t>(-1);
  std::vector<std::size_t> positions(images * layer.out.size(), kNone);
  visit_windows(pool, layer, images, [&](std::size_t o, std::size_t i) {
    if (positions[o] == kNone || in[i] > in[positions[o]]) positions[o] = i;
  });
  return positions;
}

double dropout_factor(const Run& run, std::uint32_t index, const Dropout& dropout, const PlacedLayer& layer,
                      std::size_t i) {
  if (run.mode == Mode::predict || !run.dropout) return 1;
  const DropoutMask mask(*run.dropout, index, dropout.rate);
  return mask.factor(static_cast<std::uint32_t>(i / layer.in.size()), i % layer.in.size());
}

class Forward {
 public:
  Forward(const Run& run, const PlacedLayer& layer, std::uint32_t index, const Values& in)
      : run_(run), layer_(layer), index_(index), in_(in), out_(run.images * layer.out.size()) {}

  void operator()(const Conv& conv) {
    const float* kernel = parameters_of(run_, layer_, 0);
    visit_taps(conv, layer_, run_.images, [&](std::size_t o, std::size_t i, std::size_t k) {
      for (std::size_t c = 0; c < layer_.in.channels; ++c) {
        for (std::size_t f = 0; f < conv.filters; ++f) {
          out_[o + f] += in_[i + c] * kernel[k + c * conv.filters + f];
        }
      }
    });
    if (conv.bias) add_bias(parameters_of(run_, layer_, 1), conv.filters);
  }
  void operator()(const BatchNorm& norm) {
    const Statistics stats = statistics(run_, layer_, in_);
    const float* gamma = parameters_of(run_, layer_, 0);
    const float* beta = parameters_of(run_, layer_, 1);
    for (std::size_t i = 0; i < in_.size(); ++i) {
      const std::size_t c = i % layer_.in.channels;
      out_[i] = (in_[i] - stats.mean[c]) / std::sqrt(stats.variance[c] + norm.epsilon) * gamma[c] + beta[c];
    }
  }
  void operator()(const Relu&) {
    for (std::size_t i = 0; i < in_.size(); ++i) out_[i] = std::max(0.0, in_[i]);
  }
  void operator()(const Pool& pool) {
    if (pool.average) {
      const double share = 1.0 / static_cast<double>(pool.size * pool.size);
      visit_windows(pool, layer_, run_.images, [&](std::size_t o, std::size_t i) { out_[o] += share * in_[i]; });
    } else {
      const auto positions = maxima(pool, layer_, run_.images, in_);
      for (std::size_t o = 0; o < out_.size(); ++o) out_[o] = in_[positions[o]];
    }
  }
  void operator()(const Dropout& dropout) {
    for (std::size_t i = 0; i < in_.size(); ++i) out_[i] = in_[i] * dropout_factor(run_, index_, dropout, layer_, i);
  }
  void operator()(const Flatten&) { out_ = in_; }
  void operator()(const Dense& dense) {
    const float* kernel = parameters_of(run_, layer_, 0);
    for (std::size_t n = 0; n < run_.images; ++n) {
      for (std::size_t i = 0; i < layer_.in.channels; ++i) {
        for (std::size_t u = 0; u < dense.units; ++u) {
          out_[n * dense.units + u] += in_[n * layer_.in.channels + i] * kernel[i * dense.units + u];
        }
      }
    }
    if (dense.bias) add_bias(parameters_of(run_, layer_, 1), dense.units);
  }
  void operator()(const Sigmoid&) {
    for (std::size_t i = 0; i < in_.size(); ++i) out_[i] = 1 / (1 + std::exp(-in_[i]));
  }
  void operator()(const Softmax&) {
    const std::size_t classes = layer_.in.channels;
    for (std::size_t n = 0; n < in_.size(); n += classes) {
      const double largest = *std::max_element(in_.begin() + n, in_.begin() + n + classes);
      double sum = 0;
      for (std::size_t c = n; c < n + classes; ++c) sum += out_[c] = std::exp(in_[c] - largest);
      for (std::size_t c = n; c < n + classes; ++c) out_[c] /= sum;
    }
  }

  Values result() { return std::move(out_); }

 private:
  void add_bias(const float* bias, std::size_t channels) {
    for (std::size_t i = 0; i < out_.size(); ++i) out_[i] += bias[i % channels];
  }

  const Run& run_;
  const PlacedLayer& layer_;
  std::uint32_t index_;
  const Values& in_;
  Values out_;
};

/// From the derivative by a layer's output to those by its input and its parameters.
class Backward {
 public:
  Backward(const Run& run, const PlacedLayer& layer, std::uint32_t index, const Values& in, const Values& d_out,
           Values& d_parameters)
      : run_(run),
        layer_(layer),
        index_(index),
        in_(in),
        d_out_(d_out),
        d_in_(in.size()),
        d_parameters_(d_parameters) {}

  void operator()(const Conv& conv) {
    const float* kernel = parameters_of(run_, layer_, 0);
    double* d_kernel = d_parameters_.data() + layer_.parameters[0].offset;
    visit_taps(conv, layer_, run_.images, [&](std::size_t o, std::size_t i, std::size_t k) {
      for (std::size_t c = 0; c < layer_.in.channels; ++c) {
        for (std::size_t f = 0; f < conv.filters; ++f) {
          d_in_[i + c] += d_out_[o + f] * kernel[k + c * conv.filters + f];
          d_kernel[k + c * conv.filters + f] += d_out_[o + f] * in_[i + c];
        }
      }
    });
    if (conv.bias) add_bias_gradient(conv.filters);
  }
  void operator()(const BatchNorm& norm) {
    const std::size_t channels = layer_.in.channels;
    const auto samples = static_cast<double>(in_.size() / channels);
    const Statistics stats = statistics(run_, layer_, in_);
    const float* gamma = parameters_of(run_, layer_, 0);
    for (std::size_t c = 0; c < channels; ++c) {
      const double scale = 1 / std::sqrt(stats.variance[c] + norm.epsilon);
      double sum = 0;
      double sum_x = 0;
      for (std::size_t i = c; i < in_.size(); i += channels) {
        sum += d_out_[i];
        sum_x += d_out_[i] * (in_[i] - stats.mean[c]) * scale;
      }
      d_parameters_[layer_.parameters[0].offset + c] = sum_x;
      d_parameters_[layer_.parameters[1].offset + c] = sum;
      d_parameters_[layer_.parameters[2].offset + c] = stats.mean[c];
      d_parameters_[layer_.parameters[3].offset + c] = stats.variance[c];
      const bool train = run_.mode == Mode::train;
      for (std::size_t i = c; i < in_.size(); i += channels) {
        const double x = (in_[i] - stats.mean[c]) * scale;
        d_in_[i] = gamma[c] * scale * (train ? d_out_[i] - sum / samples - x * sum_x / samples : d_out_[i]);
      }
    }
  }
  void operator()(const Relu&) {
    for (std::size_t i = 0; i < in_.size(); ++i) d_in_[i] = in_[i] > 0 ? d_out_[i] : 0;
  }
  void operator()(const Pool& pool) {
    if (pool.average) {
      const double share = 1.0 / static_cast<double>(pool.size * pool.size);
      visit_windows(pool, layer_, run_.images, [&](std::size_t o, std::size_t i) { d_in_[i] = share * d_out_[o]; });
    } else {
      const auto positions = maxima(pool, layer_, run_.images, in_);
      for (std::size_t o = 0; o < d_out_.size(); ++o) d_in_[positions[o]] = d_out_[o];
    }
  }
  void operator()(const Dropout& dropout) {
    for (std::size_t i = 0; i < in_.size(); ++i) {
      d_in_[i] = d_out_[i] * dropout_factor(run_, index_, dropout, layer_, i);
    }
  }
  void operator()(const Flatten&) { d_in_ = d_out_; }
  void operator()(const Dense& dense) {
    const float* kernel = parameters_of(run_, layer_, 0);
    double* d_kernel = d_parameters_.data() + layer_.parameters[0].offset;
    const std::size_t inputs = layer_.in.channels;
    for (std::size_t n = 0; n < run_.images; ++n) {
      for (std::size_t i = 0; i < inputs; ++i) {
        for (std::size_t u = 0; u < dense.units; ++u) {
          d_in_[n * inputs + i] += d_out_[n * dense.units + u] * kernel[i * dense.units + u];
          d_kernel[i * dense.units + u] += d_out_[n * dense.units + u] * in_[n * inputs + i];
        }
      }
    }
    if (dense.bias) add_bias_gradient(dense.units);
  }
  // The loss is taken together with its sigmoid or softmax.
  void operator()(const Sigmoid&) { d_in_ = d_out_; }
  void operator()(const Softmax&) { d_in_ = d_out_; }

  Values result() { return std::move(d_in_); }

 private:
  void add_bias_gradient(std::size_t channels) {
    double* d_bias = d_parameters_.data() + layer_.parameters[1].offset;
    for (std::size_t i = 0; i < d_out_.size(); ++i) d_bias[i % channels] += d_out_[i];
  }

  const Run& run_;
  const PlacedLayer& layer_;
  std::uint32_t index_;
  const Values& in_;
  const Values& d_out_;
  Values d_in_;
  Values& d_parameters_;
};

/// Input of every layer, then the output of the last.
std::vector<Values> run_forward(const Network& network, const Run& run, std::span<const float> images) {
  std::vector<Values> values{Values(images.begin(), images.end())};
  for (std::uint32_t i = 0; i < network.layers.size(); ++i) {
    Forward forward(run, network.layers[i], i, values.back());
    std::visit(forward, network.layers[i].layer);
    values.push_back(forward.result());
  }
  return values;
}

/// Takes `d_out` by the input of the last layer, adds to `d_parameters`, returns the derivative by the images.
Values run_backward(const Network& network, const Run& run, const std::vector<Values>& values, Values d_out,
                    Values& d_parameters) {
  for (auto i = static_cast<std::uint32_t>(network.layers.size()); i-- > 0;) {
    Backward backward(run, network.layers[i], i, values[i], d_out, d_parameters);
    std::visit(backward, network.layers[i].layer);
    d_out = backward.result();
  }
  return d_out;
}

class ReferenceGradients final : public GradientEngine {
 public:
  explicit ReferenceGradients(const Network& network) : network_(network) {}

  void set_parameters(std::span<const float> parameters) override {
    parameters_.assign(parameters.begin(), parameters.end());
  }

  double gradients(const LabelledImages& batch, const std::optional<DropoutKey>& dropout,
                   std::span<float> gradients) override {
    const Run run{Mode::train, batch.size(), parameters_, dropout};
    const auto values = run_forward(network_, run, batch.images);
    double total = 0;
    for (const float weight : batch.weights) total += weight;
    const Values& p = values.back();
    const std::size_t outputs = network_.outputs;
    double loss = 0;
    Values d_out(p.size());
    for (std::size_t n = 0; n < batch.size(); ++n) {
      for (std::size_t o = 0; o < outputs; ++o) {
        const std::size_t i = n * outputs + o;
        const double target = outputs == 1 ? batch.classes[n] : batch.classes[n] == o ? 1 : 0;
        d_out[i] = (p[i] - target) * batch.weights[n] / total;
        if (target == 1) loss -= std::log(p[i]) * batch.weights[n] / total;
        if (outputs == 1 && target == 0) loss -= std::log1p(-p[i]) * batch.weights[n] / total;
      }
    }
    Values d_parameters(network_.parameters);
    run_backward(network_, run, values, std::move(d_out), d_parameters);
    std::copy(d_parameters.begin(), d_parameters.end(), gradients.begin());
    return loss;
  }

 private:
  Network network_;
  std::vector<float> parameters_;
};

Run prediction(const Network& network, std::span<const float> images, std::span<const float> parameters) {
  return {Mode::predict, images.size() / network.input.size(), parameters, std::nullopt};
}

class ReferencePredictor final : public Predictor {
 public:
  explicit ReferencePredictor(const Network& network) : network_(network) {}

  void set_parameters(std::span<const float> parameters) override {
    parameters_.assign(parameters.begin(), parameters.end());
  }

  using Predictor::predict;
  void predict(std::size_t count, const ImageSource& source, std::span<float> probabilities,
               const JobControl& control) override {
    std::vector<float> images(count * network_.input.size());
    source(0, count, images.data());
    const auto values = run_forward(network_, prediction(network_, images, parameters_), images);
    std::copy(values.back().begin(), values.back().end(), probabilities.begin());
    control.advance(count);
  }

  void logits(std::span<const float> images, std::span<float> logits) override {
    const auto values = run_forward(network_, prediction(network_, images, parameters_), images);
    const Values& before_head = values[values.size() - 2];
    std::copy(before_head.begin(), before_head.end(), logits.begin());
  }

 private:
  Network network_;
  std::vector<float> parameters_;
};

class ReferenceInputGradients final : public InputGradients {
 public:
  explicit ReferenceInputGradients(const Network& network) : network_(network) {}

  void set_parameters(std::span<const float> parameters) override {
    parameters_.assign(parameters.begin(), parameters.end());
  }

  void input_gradients(std::span<const float> images, std::size_t output, std::span<float> gradients) override {
    const Run run = prediction(network_, images, parameters_);
    const auto values = run_forward(network_, run, images);
    Values d_out(values.back().size());
    for (std::size_t i = output; i < d_out.size(); i += network_.outputs) d_out[i] = 1;
    Values unused(network_.parameters);
    const Values d_images = run_backward(network_, run, values, std::move(d_out), unused);
    std::copy(d_images.begin(), d_images.end(), gradients.begin());
  }

 private:
  Network network_;
  std::vector<float> parameters_;
};

}  // namespace

std::unique_ptr<GradientEngine> make_reference_gradients(const Network& network) {
  return std::make_unique<ReferenceGradients>(network);
}
std::unique_ptr<Predictor> make_reference_predictor(const Network& network) {
  return std::make_unique<ReferencePredictor>(network);
}

std::unique_ptr<InputGradients> make_reference_input_gradients(const Network& network) {
  return std::make_unique<ReferenceInputGradients>(network);
}

}  // namespace cnnc

#pragma once

#include <cuda_runtime_api.h>

#include "cuda/block.hpp"
#include "cuda/block_plan.hpp"
#include "cuda/device_cuda.hpp"

namespace cnnc::gpu {

/// Queues the blocks of a batch. Count: uint8_t, uint16_t, uint32_t or float. Throws what check throws.
template <class Count>
void launch_histograms(const Batch<Count>& batch, std::size_t blocks, cudaStream_t stream);

/// A plan and its copy on the device, for at most so many pairs.
struct PlanBuffers {
  explicit PlanBuffers(std::size_t pairs) : tasks(pairs), streamed(pairs) {}

  DeviceArray<Task> tasks;
  DeviceArray<StreamedPair> streamed;
  BlockPlan plan;  ///< read by the copy to the device until the stream has been waited for
};

/// Queues the histograms of pairs into `out`, on the device; of `batch`, which all launches share, plan and output are
/// filled in.
template <class Count>
void queue_histograms(const ExpressionStore& store, const Pairs& pairs, PlanBuffers& buffers, Batch<Count> batch,
                      Count* out, const Stream& stream) {
  buffers.plan = plan_blocks(store, pairs);
  copy_to_device(buffers.tasks, buffers.plan.tasks, stream);
  copy_to_device(buffers.streamed, buffers.plan.pairs, stream);
  batch.tasks = buffers.tasks.data();
  batch.pairs = buffers.streamed.data();
  batch.spread_is_a = buffers.plan.spread_is_a;
  batch.out = out;
  launch_histograms(batch, buffers.plan.tasks.size(), stream.get());
}

}  // namespace cnnc::gpu

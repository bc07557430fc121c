#pragma once

#include "core/parallel.hpp"
#include "core/tiled_matrix.hpp"

namespace cnnc {

/// Replaces a matrix by its negative inverse, in place, in size^3 operations. Same bits for any number of threads.
/// Tells `control` of each row and column that is done, `matrix.size()` in all.
/// \pre the matrix is positive semidefinite with 1 on its diagonal.
/// Throws Error SINGULAR when it is not positive definite, as far as float64 tells; Cancelled.
void invert_negative(TiledMatrix& matrix, unsigned threads, const JobControl& control);

}  // namespace cnnc

#pragma once

/// Before a function: the compiler makes one version for each of these processors, and the program picks one when it
/// starts. Without contraction all give the same bits. Sanitizers cannot run before the choice is made.
#if defined(__x86_64__) && defined(__gnu_linux__) && defined(__GNUC__) && !defined(__SANITIZE_THREAD__) && \
    !defined(__SANITIZE_ADDRESS__)
#define CNNC_CLONES [[gnu::target_clones("avx512f", "avx2", "default")]]
#else
#define CNNC_CLONES
#endif

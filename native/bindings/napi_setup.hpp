#pragma once

// The only place that includes napi.h, so that its configuration is the same everywhere.
#define NAPI_VERSION 8
#define NAPI_CPP_EXCEPTIONS
#include <napi.h>

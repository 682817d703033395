/// @file error.hpp
/// What a call says when it can't answer.
///
/// | thrown       | means                                        | Python                        |
/// |--------------|----------------------------------------------|-------------------------------|
/// | `UsageError` | the caller asked for something that can't be | `salesops.UsageError(ValueError)` |
/// | `UnitError`  | currencies or units were mixed               | `salesops.UnitError(TypeError)`   |
/// | `DataError`  | a producer or a file is broken               | `salesops.DataError`          |
/// | `Cancelled`  | the caller's stop token was set              | `KeyboardInterrupt` after Ctrl-C  |
///
/// Dirty rows throw nothing: they become rows of an `Issues` table (issues.hpp).
/// A text names what is wrong, where, and the way out; it holds no cell values.
#pragma once

#include <stdexcept>
#include <string>

namespace salesops {
inline namespace v0 {

/// Base of all exceptions thrown on purpose by the library.
class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// The caller's mistake: an unknown column, an impossible option, an empty name.
class UsageError : public Error {
 public:
  using Error::Error;
};

/// Amounts of different currencies, or different units, met in one operation.
class UnitError : public Error {
 public:
  using Error::Error;
};

/// A producer or file that breaks its own format.
class DataError : public Error {
 public:
  using Error::Error;
};

/// The caller's stop token was set; nothing was changed.
class Cancelled : public Error {
 public:
  using Error::Error;
};

}  // namespace v0
}  // namespace salesops

#include "bytes.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <functional>
#include <new>

#ifdef SALESOPS_HAS_ZLIB
#include <zlib.h>
#endif

namespace salesops {
inline namespace v0 {
namespace csv::detail {

namespace {

constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

class File {
 public:
  explicit File(const std::string& path)
      : path_(path), descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
    if (descriptor_ < 0 && (errno == ENOENT || errno == ENOTDIR))
      throw UsageError("there is no file " + path);
    struct stat facts{};
    if (descriptor_ < 0 || ::fstat(descriptor_, &facts) != 0) fail();
    if (S_ISDIR(facts.st_mode)) throw UsageError(path + " is a folder; name one file");
    size_ = S_ISREG(facts.st_mode) ? static_cast<std::size_t>(facts.st_size) : 0;
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  ~File() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }

  /// 0 for what has no size: a pipe, a terminal.
  [[nodiscard]] std::size_t size() const noexcept { return size_; }
  std::size_t read(char* to, std::size_t size) {
    while (true) {
      const ssize_t got = ::read(descriptor_, to, size);
      if (got >= 0) return static_cast<std::size_t>(got);
      if (errno != EINTR) fail();
    }
  }

 private:
  [[noreturn]] void fail() const { throw DataError("can't read " + path_ + ": " + std::strerror(errno)); }

  const std::string& path_;
  int descriptor_;
  std::size_t size_ = 0;
};

void check_stop(const Execution& execution) {
  if (execution.stop.stop_requested()) throw Cancelled("the call was stopped; nothing was changed");
}

void check_size(std::size_t size, const std::string& name, const Limits& limits) {
  if (static_cast<std::int64_t>(size) > limits.max_bytes)
    throw DataError(name + ": more than " + std::to_string(limits.max_bytes) +
                    " bytes of text; if it is meant, raise limits.max_bytes");
}

/// Gives the next bytes of the input; none at its end.
using Source = std::function<std::string_view()>;

#ifdef SALESOPS_HAS_ZLIB

class Inflater {
 public:
  Inflater() {
    if (inflateInit2(&stream_, 15 + 16) != Z_OK) throw std::bad_alloc();
  }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  ~Inflater() { inflateEnd(&stream_); }
  z_stream& stream() noexcept { return stream_; }

 private:
  z_stream stream_{};
};

void check_ratio(std::size_t text, std::size_t compressed, const std::string& name, const Limits& limits) {
  if (static_cast<std::int64_t>(text) > limits.gzip_ratio_floor &&
      static_cast<std::int64_t>(text) / limits.max_gzip_ratio > static_cast<std::int64_t>(compressed))
    throw DataError(name + ": the compressed file grows more than " + std::to_string(limits.max_gzip_ratio) +
                    "-fold; if it is meant, raise limits.max_gzip_ratio");
}

Bytes inflate_all(const Source& source, const std::string& name, const Limits& limits) {
  Inflater inflater;
  z_stream& stream = inflater.stream();
  Bytes text;
  std::size_t compressed = 0;
  bool member_open = false;
  for (std::string_view input = source(); !input.empty(); input = source()) {
    compressed += input.size();
    stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(input.data()));
    stream.avail_in = static_cast<uInt>(input.size());
    while (stream.avail_in > 0 || (member_open && stream.avail_out == 0)) {
      stream.next_out = reinterpret_cast<Bytef*>(text.room(chunk_bytes));
      stream.avail_out = static_cast<uInt>(chunk_bytes);
      const int state = inflate(&stream, Z_NO_FLUSH);
      text.added(chunk_bytes - stream.avail_out);
      check_size(text.size(), name, limits);
      check_ratio(text.size(), compressed, name, limits);
      if (state == Z_BUF_ERROR) break;
      if (state != Z_OK && state != Z_STREAM_END)
        throw DataError(name + ": broken gzip data near compressed byte " +
                        std::to_string(compressed - stream.avail_in) +
                        (stream.msg != nullptr ? std::string(" (") + stream.msg + ")" : std::string()));
      member_open = state == Z_OK;
      if (!member_open) inflateReset(&stream);
    }
  }
  if (member_open) throw DataError(name + ": the gzip data ends too early; the file was cut");
  return text;
}

#else

Bytes inflate_all(const Source&, const std::string& name, const Limits&) {
  throw UsageError(name + " is compressed, and this build has no zlib; decompress it first (gunzip)");
}

#endif

}  // namespace

char* Bytes::room(std::size_t more) {
  if (capacity_ - size_ < more) {
    const std::size_t wanted = std::max(size_ + more, capacity_ + capacity_ / 2);
    char* larger = static_cast<char*>(std::realloc(data_.get(), wanted));
    if (larger == nullptr) throw std::bad_alloc();
    static_cast<void>(data_.release());
    data_.reset(larger);
    capacity_ = wanted;
  }
  return data_.get() + size_;
}

bool is_gzip(std::string_view bytes) noexcept { return bytes.substr(0, 2) == "\x1F\x8B"; }

Bytes read_file(const std::string& path, const Limits& limits, const Execution& execution) {
  File file(path);
  const auto more = [&](Bytes& to) {
    check_stop(execution);
    const std::size_t got = file.read(to.room(chunk_bytes), chunk_bytes);
    to.added(got);
    return got > 0;
  };
  std::size_t total = 0;
  const auto report = [&](std::size_t size) {
    total += size;
    if (execution.progress && file.size() > 0)
      execution.progress(std::min(1.0, static_cast<double>(total) / static_cast<double>(file.size())));
  };
  Bytes bytes;
  more(bytes);
  if (is_gzip(bytes.view())) {
    bool first = true;
    return inflate_all(
        [&]() -> std::string_view {
          if (!first) {
            bytes.clear();
            more(bytes);
          }
          first = false;
          report(bytes.size());
          return bytes.view();
        },
        path, limits);
  }
  check_size(file.size(), path, limits);
  bytes.room(file.size() + chunk_bytes);
  for (std::size_t before = 0; before != bytes.size();) {
    check_size(bytes.size(), path, limits);
    report(bytes.size() - before);
    before = bytes.size();
    more(bytes);
  }
  return bytes;
}

Bytes gunzip(std::string_view bytes, const std::string& name, const Limits& limits,
             const Execution& execution) {
  std::size_t at = 0;
  return inflate_all(
      [&]() -> std::string_view {
        check_stop(execution);
        const auto piece = bytes.substr(at, chunk_bytes);
        at += piece.size();
        if (execution.progress)
          execution.progress(static_cast<double>(at) / static_cast<double>(bytes.size()));
        return piece;
      },
      name, limits);
}

}  // namespace csv::detail
}  // namespace v0
}  // namespace salesops

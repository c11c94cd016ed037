// SPDX-License-Identifier: Apache-2.0
//
// kiln-image: decodes images for kilnd, in a process that may crash. Standard input is one end of a pair of
// SOCK_SEQPACKET sockets; its first datagram is the greeting; then, for each request (one byte or
// image/picture_wish.hpp, and the image's descriptor by SCM_RIGHTS, for a frame of a video with that of the
// encoder's pipe, and at last that of the cube that the wish has), one answer (image/image_answer.hpp), and
// the picture in pieces. It opens no file by itself, and ends when the other end is closed. With arguments:
// decodes these files, for people.
#include "aio/unique_descriptor.hpp"
#include "decoder/decode.hpp"
#include "decoder/limits.hpp"
#include "decoder/paint.hpp"
#include "decoder/time_limit.hpp"
#include "image/file_source.hpp"
#include "image/image_answer.hpp"
#include "image/open_image.hpp"
#include "image/picture_wish.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <exception>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <sys/socket.h>
#include <unistd.h>

namespace {

using namespace kiln;

/// The files of a request, in the order in which they come; -1: none.
struct attached {
  int image = -1, rows_to = -1, cube = -1;
};

result<void> paint(const decoder::picture& drawn, const image::picture_wish& wish, const decoder::cube* by,
                   image::image_facts& into) {
  auto painted = decoder::encode_webp(decoder::show(drawn, wish, by), wish);
  if (!painted)
    return painted.error();
  into.picture = std::move(*painted);
  into.view = !drawn.is_linear() ? "file" : by ? "blender" : "standard";
  return {};
}

result<std::optional<decoder::cube>> read_cube(const image::picture_wish& wish, const attached& from) {
  if (wish.cube.empty())
    return std::optional<decoder::cube>{};
  auto source = image::file_source::of(from.cube);
  if (!source)
    return source.error();
  auto read = decoder::cube::read(*source);
  if (!read)
    return read.error();
  return std::optional{std::move(*read)};
}

/// Waits for the reader. All of it, or an error.
result<void> write_rows(int to, const std::vector<std::uint8_t>& rows) {
  for (std::size_t at = 0; at < rows.size();) {
    const auto done = ::write(to, rows.data() + at, rows.size() - at);
    if (done < 0 && errno == EINTR)
      continue;
    if (done < 0)
      return error{errc::unavailable, std::string{image::no_reader}};
    at += static_cast<std::size_t>(done);
  }
  return {};
}

/// Of a check (no wish) the picture is an extra: an image without one is still whole.
result<image::image_facts> decode_descriptor(const attached& files,
                                             const std::optional<image::picture_wish>& wish) {
  auto source = image::file_source::of(files.image);
  if (!source)
    return source.error();
  if (wish && wish->columns > 0) {
    auto sheet = decoder::make_sheet(*source, *wish);
    if (!sheet)
      return sheet.error();
    return image::image_facts{.format = "WebP", .type = "uint8", .layers = {}, .picture = std::move(*sheet)};
  }
  const image::picture_wish usual;
  const bool is_video = wish && wish->width > 0;
  if (is_video && (wish->height <= 0 || files.rows_to < 0))
    return error{errc::invalid_input, "a frame of a video needs a size, and a place for its rows"};
  auto drawn = is_video ? decoder::picture{wish->width, wish->height}
                        : decoder::picture{wish ? wish->longest : usual.longest};
  auto facts = decoder::decode(*source, drawn, wish ? wish->layer : usual.layer);
  if (!facts)
    return facts;
  if (!drawn.is_begun() && wish)
    return error{errc::corrupt, facts->format + ": no picture can be made of this kind of pixels"};
  if (wish) {
    facts->width = drawn.image_width();
    facts->height = drawn.image_height();
  }
  const auto cube = read_cube(wish.value_or(usual), files);
  if (!cube)
    return cube.error();
  const auto* by = *cube ? &**cube : nullptr;
  if (is_video) {
    const auto written =
        write_rows(files.rows_to, decoder::rows_of_video(decoder::show(drawn, *wish, by), *wish));
    return written ? facts : result<image::image_facts>{written.error()};
  }
  if (drawn.is_begun())
    if (const auto painted = paint(drawn, wish.value_or(usual), by, *facts); !painted && wish)
      return painted.error();
  return facts;
}

int decode_files(std::span<char*> files, const std::optional<image::picture_wish>& wish) {
  int status = 0;
  const bool has_cube = wish && !wish->cube.empty(); // for people it is the path of the file
  const auto cube =
      has_cube ? image::open_image(wish->cube) : result<aio::unique_descriptor>{aio::unique_descriptor{}};
  if (!cube)
    throw std::runtime_error(cube.error().message);
  for (const char* file : files) {
    const auto opened = image::open_image(file);
    const auto checked = opened ? decode_descriptor({.image = opened->get(), .cube = cube->get()}, wish)
                                : result<image::image_facts>{opened.error()};
    if (!checked)
      status = 1;
    if (wish && checked) {
      std::fwrite(checked->picture.data(), 1, checked->picture.size(), stdout);
      continue;
    }
    std::puts(image::format_image_answer(checked).c_str());
  }
  return status;
}

enum class request { none, image, nothing_attached };

/// The next request; the descriptors go to `files`, that of the image first, and what is asked of it to
/// `text`.
request receive(std::array<int, 3>& files, std::size_t& count, std::string& text) {
  constexpr std::size_t longest = 16 * 1024;
  text.resize(longest);
  iovec data{.iov_base = text.data(), .iov_len = text.size()};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof files)] = {};
  msghdr message{};
  message.msg_iov = &data;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  ssize_t got = 0;
  do
    got = ::recvmsg(STDIN_FILENO, &message, MSG_CMSG_CLOEXEC);
  while (got < 0 && errno == EINTR);
  if (got <= 0)
    return request::none;
  text.resize(static_cast<std::size_t>(got));
  const auto* with = CMSG_FIRSTHDR(&message);
  if (!with || with->cmsg_level != SOL_SOCKET || with->cmsg_type != SCM_RIGHTS)
    return request::nothing_attached;
  const auto bytes = std::min(with->cmsg_len - CMSG_LEN(0), sizeof files);
  std::memcpy(files.data(), CMSG_DATA(with), bytes);
  count = bytes / sizeof(int);
  return count > 0 ? request::image : request::nothing_attached;
}

bool send(std::string_view text) {
  ssize_t sent = 0;
  do
    sent = ::send(STDIN_FILENO, text.data(), text.size(), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

/// A request is a byte (a check) or a line of JSON (a picture).
result<image::image_facts> answer(const std::array<int, 3>& files, std::size_t count,
                                  std::string_view request) {
  if (request.size() <= 1)
    return decode_descriptor({.image = files[0]}, std::nullopt);
  auto wish = image::parse_picture_wish(request);
  if (!wish)
    return wish.error();
  const bool is_video = wish->width > 0, has_cube = !wish->cube.empty();
  if (count != 1U + (is_video ? 1 : 0) + (has_cube ? 1 : 0))
    return error{errc::invalid_input, "another number of files came with the request"};
  const attached all{
      .image = files[0], .rows_to = is_video ? files[1] : -1, .cube = has_cube ? files[count - 1] : -1};
  return decode_descriptor(all, std::move(*wish));
}

int serve() {
  int type = 0;
  socklen_t size = sizeof type;
  if (::getsockopt(STDIN_FILENO, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_SEQPACKET) {
    std::fputs("kiln-image: standard input is not kilnd's socket; to decode files, name them. See --help.\n",
               stderr);
    return 2;
  }
  decoder::limit_this_process();
  std::signal(SIGPIPE, SIG_IGN); // of an encoder that has ended
  if (!send(image::decoder_greeting))
    return 0;
  for (;;) {
    std::array<int, 3> files{-1, -1, -1};
    std::size_t count = 0;
    std::string text;
    const auto asked = receive(files, count, text);
    if (asked == request::none)
      return 0;
    const std::array<aio::unique_descriptor, 3> held{
        aio::unique_descriptor{files[0]}, aio::unique_descriptor{files[1]}, aio::unique_descriptor{files[2]}};
    decoder::begin_time_limit();
    const auto checked =
        asked == request::image
            ? answer(files, count, text)
            : result<image::image_facts>{error{errc::invalid_input, "no file came with the request"}};
    decoder::end_time_limit();
    if (!send(image::format_image_answer(checked)))
      return 0;
    std::string_view left = checked ? std::string_view{checked->picture} : std::string_view{};
    for (; !left.empty(); left.remove_prefix(std::min(left.size(), image::picture_piece)))
      if (!send(left.substr(0, image::picture_piece)))
        return 0;
  }
}

constexpr const char* usage = R"(use: kiln-image FILE ...

Decodes each image (PNG, JPEG, OpenEXR, TIFF, WebP), every pixel of every part, and prints a line of JSON about it.
Ends with 1 when one is not whole. Without arguments it is the decoder of kilnd, which starts it.
--picture WISH FILE: prints a picture of it in WebP instead. WISH is JSON, such as '{"longest":1280,"exposure":1}';
"cube":"FILE" shows linear colours as Blender does, if kiln_colours.py has written that file.
)";

} // namespace

int main(int argc, char** argv) {
  const std::span arguments{argv + 1, static_cast<std::size_t>(std::max(argc, 1) - 1)};
  if (!arguments.empty() &&
      (arguments[0] == std::string_view{"-h"} || arguments[0] == std::string_view{"--help"})) {
    std::fputs(usage, stdout);
    return 0;
  }
  try {
    if (arguments.empty())
      return serve();
    std::optional<image::picture_wish> wish;
    if (arguments.size() > 2 && arguments[0] == std::string_view{"--picture"}) {
      auto parsed = image::parse_picture_wish(arguments[1]);
      if (!parsed)
        throw std::runtime_error(parsed.error().message);
      wish = std::move(*parsed);
    }
    return decode_files(arguments.subspan(wish ? 2 : 0), wish);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kiln-image: %s\n", e.what());
    return 1;
  }
}

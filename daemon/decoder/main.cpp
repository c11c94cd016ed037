// SPDX-License-Identifier: Apache-2.0
//
// kiln-image: decodes images for kilnd, in a process that may crash. Standard input is one end of a pair of
// SOCK_SEQPACKET sockets; its first datagram is the greeting; then, for each request (one byte and
// the image's descriptor by SCM_RIGHTS), one answer (image/image_answer.hpp). It opens no file by itself, and
// ends when the other end is closed. With arguments: decodes these files, for people.
#include "aio/unique_descriptor.hpp"
#include "decoder/decode.hpp"
#include "decoder/limits.hpp"
#include "decoder/time_limit.hpp"
#include "image/file_source.hpp"
#include "image/image_answer.hpp"
#include "image/open_image.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <exception>

#include <sys/socket.h>

namespace {

using namespace kiln;

result<image::image_facts> decode_descriptor(const aio::unique_descriptor& opened) {
  auto source = image::file_source::of(opened.get());
  if (!source)
    return source.error();
  return decoder::decode(*source);
}

int decode_files(std::span<char*> files) {
  int status = 0;
  for (const char* file : files) {
    const auto opened = image::open_image(file);
    const auto checked = opened ? decode_descriptor(*opened) : result<image::image_facts>{opened.error()};
    if (!checked)
      status = 1;
    std::puts(image::format_image_answer(checked).c_str());
  }
  return status;
}

enum class request { none, image, nothing_attached };

/// The next request; the image's descriptor goes to `fd`.
request receive(int& fd) {
  char byte = 0;
  iovec data{.iov_base = &byte, .iov_len = 1};
  alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
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
  const auto* attached = CMSG_FIRSTHDR(&message);
  if (!attached || attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS ||
      attached->cmsg_len != CMSG_LEN(sizeof(int)))
    return request::nothing_attached;
  std::memcpy(&fd, CMSG_DATA(attached), sizeof fd);
  return request::image;
}

bool send(std::string_view text) {
  ssize_t sent = 0;
  do
    sent = ::send(STDIN_FILENO, text.data(), text.size(), MSG_NOSIGNAL);
  while (sent < 0 && errno == EINTR);
  return sent >= 0;
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
  if (!send(image::decoder_greeting))
    return 0;
  for (;;) {
    int fd = -1;
    const auto asked = receive(fd);
    if (asked == request::none)
      return 0;
    const aio::unique_descriptor opened{fd};
    decoder::begin_time_limit();
    const auto checked =
        asked == request::image
            ? decode_descriptor(opened)
            : result<image::image_facts>{error{errc::invalid_input, "no file came with the request"}};
    decoder::end_time_limit();
    if (!send(image::format_image_answer(checked)))
      return 0;
  }
}

constexpr const char* usage = R"(use: kiln-image FILE ...

Decodes each image (PNG, JPEG, OpenEXR, TIFF, WebP), every pixel of every part, and prints a line of JSON about it.
Ends with 1 when one is not whole. Without arguments it is the decoder of kilnd, which starts it.
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
    return arguments.empty() ? serve() : decode_files(arguments);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "kiln-image: %s\n", e.what());
    return 1;
  }
}

// SPDX-License-Identifier: Apache-2.0
#include "app/decoder_program.hpp"

#include "process/child.hpp"

#include <csignal>
#include <cstring>

namespace kiln::app {
namespace {

class decoder_program final : public image::decoder_process {
public:
  explicit decoder_program(std::unique_ptr<process::child> child) : child_(std::move(child)) {}

  void kill() override { child_->kill(); }

  aio::task<std::string> wait() override {
    const auto exit = co_await child_->wait();
    if (exit == process::unknown_exit)
      co_return "ended with an unknown status";
    if (exit.kind == domain::process_exit::how::exited)
      co_return "exited with status " + std::to_string(exit.value);
    if (exit.value == SIGPROF)
      co_return "took more processor time than pixels can need";
    const char* name = ::sigabbrev_np(exit.value);
    co_return "died of " + (name ? std::string{"SIG"} + name : "signal " + std::to_string(exit.value));
  }

private:
  std::unique_ptr<process::child> child_;
};

} // namespace

result<std::filesystem::path> decoder_beside_us() {
  std::error_code ec;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", ec);
  if (ec)
    return system_error(ec.value(), "read /proc/self/exe");
  // As it is built, or as it is installed: /usr/bin/kilnd and /usr/libexec/kiln/kiln-image.
  const auto installed = self.parent_path().parent_path() / "libexec/kiln/kiln-image";
  return std::filesystem::exists(installed, ec) ? installed : self.parent_path() / "kiln-image";
}

image::decoding_image_check::starter decoder_starter(aio::executor_type loop, std::filesystem::path program,
                                                     std::filesystem::path log_file) {
  return [loop, program = std::move(program),
          log_file = std::move(log_file)](int socket) -> result<std::unique_ptr<image::decoder_process>> {
    const process::launch_request request{.executable = program,
                                          .arguments = {},
                                          .environment = {},
                                          .working_directory = "/",
                                          .input = socket,
                                          .log_file = log_file};
    auto child = process::child::launch(loop, request, std::chrono::milliseconds{0});
    if (!child)
      return child.error();
    return std::make_unique<decoder_program>(std::move(*child));
  };
}

} // namespace kiln::app

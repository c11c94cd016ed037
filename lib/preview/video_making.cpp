// SPDX-License-Identifier: Apache-2.0
#include "preview/video_making.hpp"

#include "aio/directory.hpp"
#include "aio/task_group.hpp"
#include "base/number.hpp"
#include "image/file_source.hpp"
#include "image/image_answer.hpp"
#include "preview/video_files.hpp"
#include "process/search_path.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <span>
#include <system_error>
#include <utility>

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

namespace kiln::preview {
namespace {

namespace fs = std::filesystem;

constexpr std::chrono::seconds grace{2};
constexpr std::string_view stopped = "canceled";

video_failure failed(std::string kind, std::string message) {
  return {std::move(kind), std::move(message)};
}

std::string read_beginning(const fs::path& file) {
  constexpr std::size_t most = 1 << 18;
  const auto opened = output::open_file(file);
  std::string text(opened ? static_cast<std::size_t>(std::min<std::uint64_t>(opened->size, most)) : 0, '\0');
  auto source = opened ? image::file_source::of(opened->file->get()) : error{errc::not_found, ""};
  if (!source || !source->read(0, std::as_writable_bytes(std::span{text})))
    return {};
  return text;
}

/// Of a WebP, by its header: kiln-image writes an opaque picture without alpha.
bool has_alpha(const output::result_file& webp) {
  std::array<unsigned char, 26> head{};
  if (::pread(webp.file->get(), head.data(), head.size(), 0) != static_cast<ssize_t>(head.size()))
    return false;
  if (std::memcmp(head.data() + 12, "VP8X", 4) == 0)
    return (head[20] & 0x10) != 0;
  return std::memcmp(head.data() + 12, "VP8L", 4) == 0 && (head[24] & 0x10) != 0;
}

/// The directories that a program may need besides the system's.
void add_place_of(const fs::path& program, process::walls& to) {
  std::error_code ec;
  to.read.push_back(program.parent_path());
  if (const auto real = fs::canonical(program, ec); !ec)
    to.read.push_back(real.parent_path());
}

} // namespace

result<video_programs> find_video_programs(const std::string& search_path) {
  video_programs found;
  for (const auto& [name, to] : {std::pair{"ffmpeg", &found.ffmpeg}, std::pair{"ffprobe", &found.ffprobe}}) {
    auto program = process::find_program(name, search_path);
    if (!program)
      return error{errc::unsupported,
                   fmt::format("videos need ffmpeg, and {} is not on the PATH of kilnd: install it on the "
                               "machine of kilnd (Debian, Ubuntu: apt install ffmpeg)",
                               name)};
    *to = std::move(*program);
  }
  return found;
}

struct video_making::program_end {
  domain::process_exit exit;
  std::string printed;
};

video_making::video_making(aio::executor_type loop, const video_place& where,
                           image::decoding_image_check& decoder, previews& pictures, aio::blocking_pool& pool,
                           job_id of, const std::vector<int>& frames, video& shown)
    : loop_(loop), where_(where), decoder_(decoder), pictures_(pictures), pool_(pool), of_(of),
      frames_(frames), shown_(shown), final_dir_(where.output / of.str()) {}

void video_making::cancel() {
  is_canceled_ = true;
  if (running_)
    running_->kill();
}

std::string video_making::file() const {
  return (work_ / ("video" + std::string{extension_of(shown_.settings.codec)})).native();
}

aio::task<std::optional<video_failure>> video_making::run() {
  auto wrong = co_await prepare();
  if (!wrong)
    wrong = co_await look_at_frames();
  if (!wrong) {
    std::vector<std::string> question{"-hide_banner", "-encoders"};
    auto listed = co_await run_program(programs_.ffmpeg, std::move(question));
    auto encoder = listed ? choose_encoder(shown_.settings.codec, listed->printed) : std::nullopt;
    if (!listed)
      wrong = failed("encoder_failed", listed.error().message);
    else if (!listed->exit.is_success())
      wrong = co_await failure_of(std::move(*listed), "ffmpeg");
    else if (!encoder)
      wrong = failed("no_encoder", fmt::format("{} has no encoder of {} ({}): install another ffmpeg, or ask "
                                               "for another codec",
                                               programs_.ffmpeg.native(), shown_.settings.codec,
                                               encoders_of(shown_.settings.codec)));
    else
      wrong = co_await encode(std::move(*encoder));
  }
  if (!wrong)
    wrong = co_await count();
  if (!wrong && is_canceled_)
    wrong = failed("canceled", std::string{stopped});
  if (!wrong) {
    const auto publish_here = [directory = final_dir_, done = shown_, from = fs::path{file()}]() mutable {
      done.state = "succeeded";
      const auto published = publish_video(directory, done, from);
      return published ? result<video>{std::move(done)} : result<video>{published.error()};
    };
    auto published = co_await pool_.run(publish_here);
    if (published)
      shown_ = std::move(*published);
    else
      wrong = failed(published.error().code == errc::no_room ? "disk_full" : "not_kept",
                     published.error().message);
  }
  const auto end_here = [directory = final_dir_, of = shown_] {
    end_work(directory, of);
    return true;
  };
  (void)co_await pool_.run(end_here);
  co_return wrong;
}

aio::task<video_making::failure> video_making::prepare() {
  const auto find_here = [path = where_.search_path] { return find_video_programs(path); };
  auto programs = co_await pool_.run(find_here);
  if (!programs)
    co_return failed("no_ffmpeg", programs.error().message);
  programs_ = std::move(*programs);
  const auto begin_here = [directory = final_dir_, of = shown_] { return begin_work(directory, of); };
  auto work = co_await pool_.run(begin_here);
  if (!work)
    co_return failed(work.error().code == errc::no_room ? "disk_full" : "not_kept", work.error().message);
  work_ = std::move(*work);
  auto around = where_.walls;
  around.write = {work_};
  add_place_of(programs_.ffmpeg, around);
  add_place_of(programs_.ffprobe, around);
  const auto confine_here = [how = where_.sandbox, around] { return process::confine(how, around); };
  auto sandbox = co_await pool_.run(confine_here);
  if (!sandbox)
    co_return failed("encoder_failed", "the sandbox cannot be built: " + sandbox.error().message);
  sandbox_ = std::move(*sandbox);
  co_return std::nullopt;
}

aio::task<result<output::result_file>> video_making::open(int frame) {
  const auto open_here = [directory = final_dir_, frame] { return output::open_frame(directory, frame); };
  co_return co_await pool_.run(open_here);
}

/// Determines the size, and whether there is alpha.
aio::task<video_making::failure> video_making::look_at_frames() {
  const bool may_have_alpha = shown_.settings.codec == "vp9";
  int last = -1;
  for (const int frame : frames_) {
    if (std::exchange(last, frame) == frame)
      continue;
    if (is_canceled_)
      co_return failed("canceled", std::string{stopped});
    auto image = co_await open(frame);
    if (!image)
      co_return failed("frame_missing", fmt::format("frame {} is not there any more", frame));
    image::picture_wish small;
    if (shown_.width == 0) {
      auto wish = small;
      const auto facts = co_await decoder_.draw(image->file->get(), std::move(wish));
      if (!facts)
        co_return failed("frame_unreadable", fmt::format("frame {}: {}", frame, facts.error().message));
      set_size(shown_, facts->width, facts->height);
    }
    if (!may_have_alpha)
      break;
    shown_colours none;
    const auto picture =
        co_await pictures_.of_frame(of_, frame, std::move(*image), std::move(small), std::move(none));
    if (!picture)
      co_return failed("frame_unreadable", fmt::format("frame {}: {}", frame, picture.error().message));
    if ((shown_.has_alpha = has_alpha(*picture)))
      break;
  }
  co_return std::nullopt;
}

result<std::unique_ptr<process::child>> video_making::launch(const fs::path& program,
                                                             std::vector<std::string> arguments, int input) {
  if (is_canceled_)
    return error{errc::unavailable, std::string{stopped}};
  const auto log = where_.state / "ffmpeg.log";
  std::error_code ignored;
  fs::remove(log, ignored);
  const process::launch_request request{
      .executable = program,
      .arguments = std::move(arguments),
      .environment = {"PATH=" + where_.search_path, "LC_ALL=C", "TMPDIR=" + work_.native()},
      .working_directory = work_,
      .input = input,
      .log_file = log,
      .sandbox = sandbox_};
  return process::child::launch(loop_, request, grace);
}

aio::task<video_making::program_end> video_making::wait_for(process::child& program) {
  running_ = &program;
  program_end end;
  end.exit = co_await program.wait();
  running_ = nullptr;
  const auto read_here = [log = where_.state / "ffmpeg.log"] { return read_beginning(log); };
  end.printed = co_await pool_.run(read_here);
  co_return end;
}

aio::task<result<video_making::program_end>> video_making::run_program(fs::path program,
                                                                       std::vector<std::string> arguments) {
  const auto started = launch(program, std::move(arguments));
  if (!started)
    co_return started.error();
  co_return co_await wait_for(**started);
}

aio::task<video_failure> video_making::failure_of(program_end end, const char* name) {
  constexpr std::uintmax_t too_little = 64 * 1024; // bytes
  const auto look_here = [output = where_.output] { return aio::free_bytes(output); };
  const auto left = co_await pool_.run(look_here);
  if (left < too_little || end.printed.find(std::strerror(ENOSPC)) != std::string::npos)
    co_return failed("disk_full", "the disk of the frames is full: make room, and ask for the video again");
  if (end.exit.kind == domain::process_exit::how::signaled) {
    const char* signal = ::sigabbrev_np(end.exit.value);
    co_return failed("encoder_killed",
                     fmt::format("{} died of {}: ask for the video again", name,
                                 signal ? std::string{"SIG"} + signal : std::to_string(end.exit.value)));
  }
  const auto said = last_line(end.printed);
  co_return failed("encoder_failed", fmt::format("{} exited with status {}{}{}", name, end.exit.value,
                                                 said.empty() ? "" : ": ", said));
}

aio::task<video_making::failure> video_making::encode(std::string encoder) {
  constexpr int pipe_bytes = 1 << 20;
  constexpr int niceness = 5; // as kiln-image: renders go first
  int ends[2] = {-1, -1};
  if (::pipe2(ends, O_CLOEXEC) != 0)
    co_return failed("encoder_failed", system_error(errno, "make a pipe").message);
  std::optional<aio::unique_descriptor> theirs{std::in_place, ends[0]}, rows{std::in_place, ends[1]};
  (void)::fcntl(rows->get(), F_SETPIPE_SZ, pipe_bytes); // less is slower, no more
  const auto started = launch(programs_.ffmpeg, encoding_arguments(shown_, encoder, file()), theirs->get());
  theirs.reset(); // so that its end is seen
  if (!started)
    co_return failed("encoder_failed", started.error().message);
  auto& ffmpeg = **started;
  (void)::setpriority(PRIO_PROCESS, static_cast<id_t>(ffmpeg.pid()), niceness);
  program_end end;
  failure wrong;
  {
    aio::task_group group{loop_, [](const std::exception_ptr& thrown) { std::rethrow_exception(thrown); }};
    const auto follow = [](video_making& me, process::child& program, program_end& into) -> aio::task<> {
      into = co_await me.wait_for(program);
    };
    group.spawn(follow(*this, ffmpeg, end));
    wrong = co_await feed(rows->get());
    if (wrong && running_)
      running_->kill();
    rows.reset();
    co_await group.join();
  }
  if (wrong)
    co_return wrong;
  if (!end.exit.is_success())
    co_return co_await failure_of(std::move(end), "ffmpeg");
  co_return std::nullopt;
}

/// Nothing if the encoder has ended, too: its exit says why.
aio::task<video_making::failure> video_making::feed(int rows_to) {
  image::picture_wish wish;
  wish.width = shown_.width;
  wish.height = shown_.height;
  wish.is_opaque = !shown_.has_alpha;
  wish.exposure = shown_.settings.exposure;
  for (const int frame : frames_) {
    if (is_canceled_)
      co_return failed("canceled", std::string{stopped});
    const auto image = co_await open(frame);
    if (!image)
      co_return failed("frame_missing", fmt::format("frame {} is not there any more", frame));
    auto wanted = wish;
    const auto drawn = co_await decoder_.draw(image->file->get(), std::move(wanted), rows_to);
    if (!drawn && drawn.error().message == image::no_reader)
      co_return std::nullopt;
    if (!drawn)
      co_return failed("frame_unreadable", fmt::format("frame {}: {}", frame, drawn.error().message));
    ++shown_.frames_done;
  }
  co_return std::nullopt;
}

aio::task<video_making::failure> video_making::count() {
  auto arguments = counting_arguments(file());
  auto counted = co_await run_program(programs_.ffprobe, std::move(arguments));
  if (!counted)
    co_return failed("encoder_failed", counted.error().message);
  if (!counted->exit.is_success())
    co_return co_await failure_of(std::move(*counted), "ffprobe");
  const auto line = last_line(counted->printed);
  const auto number = parse_number<std::size_t>(line.substr(0, line.find_first_not_of("0123456789")));
  if (number == frames_.size())
    co_return std::nullopt;
  co_return failed("wrong_count",
                   fmt::format("ffprobe counts \"{}\" frames in the video, not {}", line, frames_.size()));
}

} // namespace kiln::preview

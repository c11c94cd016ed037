// SPDX-License-Identifier: Apache-2.0
#include "local/session.hpp"

#include "aio/task_group.hpp"
#include "local/session_directory.hpp"
#include "process/process_table.hpp"

#include <csignal>
#include <utility>
#include <variant>

namespace kiln::local {
namespace {

namespace fs = std::filesystem;
namespace said = blender::session_said;
using domain::process_exit;

} // namespace

session_key key_of(const domain::job_spec& spec, const blender::install& by, std::string digest,
                   std::string owner) {
  return {.blender = by.name,
          .program = by.identity,
          .blend = spec.blend,
          .digest = std::move(digest),
          .threads = spec.threads,
          .device = spec.settings.device,
          .owner = std::move(owner)};
}

/// State of an attempt, shared by the session and the attempt's hold on it.
struct session::turn_state : std::enable_shared_from_this<turn_state> {
  turn_state(aio::executor_type loop, session_user& u) : user(&u), frame_over(loop) {}

  session_user* user; ///< null once the attempt has let go
  bool open = false;
  std::size_t owed = 0; ///< assigned frames not saved yet
  bool begun = false;
  bool left = false;
  std::optional<said::ended::how> ended;
  aio::timer frame_over; ///< the grace in which a frame may be finished
};

/// An attempt's hold on its session.
class session::turn final : public process::supervised {
public:
  turn(std::shared_ptr<session> of, std::shared_ptr<turn_state> state)
      : session_(std::move(of)), state_(std::move(state)) {}
  ~turn() override {
    state_->user = nullptr;
    state_->frame_over.cancel();
    if (session_->turn_ == state_)
      session_->turn_.reset();
  }

  [[nodiscard]] pid_t pid() const noexcept override { return session_->process_->pid(); }
  [[nodiscard]] std::shared_ptr<const process::control_group> group() const override {
    return session_->process_->group();
  }

  [[nodiscard]] aio::task<process::process_end> watch() override {
    while (!state_->ended && !session_->over_ && !state_->left)
      co_await session_->changed_.wait();
    state_->frame_over.cancel();
    process::process_end end;
    if (state_->ended)
      end.exit = process_exit{process_exit::how::exited, *state_->ended == said::ended::how::failed ? 1 : 0};
    else if (session_->over_)
      end = *session_->over_;
    else
      end.left = true;
    co_return end;
  }

  void stop() override {
    if (!state_->ended)
      session_->end();
  }

  void kill() override {
    if (!state_->ended)
      session_->kill();
  }

  void stop_gently() override {
    if (state_->ended || !session_->is_alive() || !session_->channel_->send(blender::format_cancel()))
      return stop();
    state_->frame_over.expires_after(session_->settings_.frame_grace);
    state_->frame_over.async_wait([s = session_, state = state_](boost::system::error_code ec) {
      if (!ec && state->user && !state->ended)
        s->end();
    });
  }

  void leave() override {
    state_->left = true;
    session_->leave();
  }

private:
  std::shared_ptr<session> session_;
  std::shared_ptr<turn_state> state_;
};

session::session(aio::executor_type loop, const local_settings& settings, session_key key, fs::path directory)
    : loop_(loop), settings_(settings), key_(std::move(key)), directory_(std::move(directory)),
      changed_(loop) {}

result<void> session::launch(const blender::install& by, process::confinement_ptr sandbox,
                             const fs::path& log) {
  auto sockets = session_channel::make_pair();
  if (!sockets)
    return sockets.error();
  auto& [ours, theirs] = *sockets;
  const executor::attempt_paths paths{.directory = directory_,
                                      .workspace = {},
                                      .temp = temp_of_session(directory_),
                                      .script = script_of_session(directory_),
                                      .final_dir = {},
                                      .log = {},
                                      .printed = log};
  auto started = start_blender(loop_, settings_,
                               {.blender = by,
                                .arguments = blender::format_session_arguments(paths.script, key_.threads),
                                .paths = paths,
                                .blend = key_.blend,
                                .input = theirs.get(),
                                .sandbox = std::move(sandbox)});
  if (!started)
    return started.error();
  process_ = std::move(*started);
  channel_ = std::make_unique<session_channel>(loop_, std::move(ours));
  return {};
}

aio::task<> session::live() {
  aio::task_group readers{loop_, [this](const std::exception_ptr&) { end(); }};
  readers.spawn(read_events());
  process::process_end ended;
  try {
    ended = co_await process_->watch();
  } catch (const std::exception&) { // can no longer be watched
    ::kill(-process_->pid(), SIGKILL);
  }
  channel_->finish();
  co_await readers.join();
  channel_.reset(); // a Blender still running sees its peer closed
  over_ = ended;
  changed_.notify_all();
}

/// Also reads messages sent before its end.
aio::task<> session::read_events() {
  while (const auto message = co_await channel_->receive()) {
    const auto event = blender::parse_session_event(*message);
    if (event) {
      handle(*event);
    } else {
      if (turn_ && turn_->user)
        turn_->user->on_trouble(event.error().message);
      end();
    }
  }
}

void session::handle(const blender::session_event& event) {
  const auto of = turn_; // a call to the user may end the turn
  if (const auto* saved = std::get_if<said::frame_saved>(&event)) {
    ++wear_.frames;
    // In one sandbox Blender may be unable to read its own memory; in another it is not the process that we
    // have started.
    wear_.memory = saved->memory > 0 ? saved->memory : process::resident_memory_of(process_->pid());
    if (wear_.first_memory == 0)
      wear_.first_memory = wear_.memory;
  }
  if (std::holds_alternative<said::begun>(event))
    is_busy_ = true;
  if (std::holds_alternative<said::ended>(event))
    is_busy_ = false;
  if (!of || !of->user || of->ended)
    return;
  if (std::holds_alternative<said::begun>(event)) {
    of->begun = true;
    changed_.notify_all();
  } else if (const auto* begun = std::get_if<said::frame_begun>(&event)) {
    of->user->on_frame_begun(begun->frame);
  } else if (const auto* saved = std::get_if<said::frame_saved>(&event)) {
    of->user->on_frame_saved(saved->frame);
    if (of->open && of->owed > 0 && --of->owed == 0)
      of->user->on_hungry();
  } else if (const auto* ended = std::get_if<said::ended>(&event)) {
    if (ended->memory > 0)
      wear_.memory = ended->memory;
    if (ended->status == said::ended::how::failed && !ended->reason.empty())
      of->user->on_trouble(ended->reason);
    of->ended = ended->status;
    changed_.notify_all();
  }
}

void session::give(const std::vector<int>& frames) {
  if (!turn_ || !turn_->open || turn_->owed > 0 || !is_alive())
    return;
  turn_->owed = frames.size();
  turn_->open = !frames.empty();
  if (!channel_->send(blender::format_more_frames(frames, turn_->open)))
    end();
}

std::uint64_t session::memory() const {
  return wear_.frames > 0 || !is_alive() ? wear_.memory : process::resident_memory_of(process_->pid());
}

std::unique_ptr<process::supervised> session::begin(const blender::session_order& order, int log,
                                                    session_user& user) {
  turn_ = std::make_shared<turn_state>(loop_, user);
  turn_->open = order.open;
  turn_->owed = order.frames.size();
  // Its Blender may have ended since the pool lent it.
  if (!is_alive() || !channel_->send(blender::format_begin(order), log))
    end();
  return std::make_unique<turn>(shared_from_this(), turn_);
}

aio::task<bool> session::takes_up() {
  const auto of = turn_;
  while (!of->begun && !over_)
    co_await changed_.wait();
  co_return of->begun;
}

void session::load() {
  is_busy_ = true;
  if (is_alive() && !channel_->send(blender::format_load(key_.blend)))
    end();
}

void session::end() {
  ending_ = true;
  if (process_ && !over_)
    process_->stop();
}

void session::kill() {
  ending_ = true;
  if (process_ && !over_)
    process_->kill();
}

void session::leave() {
  if (process_)
    process_->leave();
}

} // namespace kiln::local

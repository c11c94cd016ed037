// SPDX-License-Identifier: Apache-2.0
#include "fake_blender_script.hpp"

#include <array>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <random>
#include <sstream>
#include <thread>

#include <dirent.h>
#include <poll.h>
#include <zlib.h>

extern char** environ;

namespace kiln::tests {
namespace {

void append_number(std::string& to, std::uint32_t value) {
  for (int shift = 24; shift >= 0; shift -= 8)
    to += static_cast<char>(value >> shift & 0xff);
}

void append_chunk(std::string& png, const std::string& type, const std::string& data) {
  append_number(png, static_cast<std::uint32_t>(data.size()));
  const auto body = type + data;
  png += body;
  append_number(png, static_cast<std::uint32_t>(::crc32(0, reinterpret_cast<const Bytef*>(body.data()),
                                                        static_cast<uInt>(body.size()))));
}

/// Grey pixels: 4 x 4 whose shade is the frame's number, or as many as wanted that do not compress.
std::string make_png(int frame, int noise) {
  const auto side = static_cast<std::size_t>(noise > 0 ? noise : 4);
  std::minstd_rand random{static_cast<unsigned>(frame) + 1};
  std::string rows;
  for (std::size_t y = 0; y < side; ++y) {
    rows += '\0' + std::string(side, static_cast<char>(frame));
    for (std::size_t x = 0; noise > 0 && x < side; ++x)
      rows[rows.size() - 1 - x] = static_cast<char>(random() >> 8);
  }
  std::string packed(::compressBound(rows.size()), '\0');
  uLongf size = packed.size();
  ::compress(reinterpret_cast<Bytef*>(packed.data()), &size, reinterpret_cast<const Bytef*>(rows.data()),
             rows.size());
  packed.resize(size);
  std::string header;
  append_number(header, static_cast<std::uint32_t>(side));
  append_number(header, static_cast<std::uint32_t>(side));
  header += std::string{"\x8\0\0\0\0", 5};
  std::string png = "\x89PNG\r\n\x1a\n";
  append_chunk(png, "IHDR", header);
  append_chunk(png, "IDAT", packed);
  append_chunk(png, "IEND", "");
  return png;
}

void pause_for(double seconds) {
  ::poll(nullptr, 0, static_cast<int>(seconds * 1000));
}

void list_descriptors() {
  std::cout << "fds:";
  DIR* open_ones = ::opendir("/proc/self/fd");
  std::set<int> found;
  while (const auto* entry = ::readdir(open_ones))
    if (int fd = -1;
        std::from_chars(entry->d_name, entry->d_name + 10, fd).ec == std::errc{} && fd != ::dirfd(open_ones))
      found.insert(fd);
  ::closedir(open_ones);
  for (const int fd : found)
    std::cout << ' ' << fd;
  std::cout << std::endl;
}

/// Dies by the signal, as a crash does, also where it is blocked or ignored.
[[noreturn]] void die_by(int signal) {
  ::signal(signal, SIG_DFL);
  ::raise(signal);
  std::abort();
}

std::string file_of(std::string pattern, int frame) {
  const auto at = pattern.find("####");
  std::array<char, 16> digits{};
  std::snprintf(digits.data(), digits.size(), "%04d", frame);
  return pattern.replace(at, 4, digits.data()) + ".png";
}

} // namespace

void fail(const std::string& why, int status) {
  std::cout << why << std::endl;
  throw quit{status};
}

script read_script(const std::string& file) {
  std::ifstream in{file};
  std::string line;
  if (!in)
    fail("Error: Cannot read file '" + file + "': No such file or directory");
  if (!std::getline(in, line) || !line.starts_with("BLENDER"))
    fail("Error: File format is not supported in file '" + file + "'");
  script s;
  while (std::getline(in, line)) {
    if (line.starts_with('#'))
      continue;
    std::istringstream words{line};
    std::string command, word;
    words >> command;
    if (command == "frame_seconds") {
      words >> s.frame_seconds;
    } else if (command == "samples") {
      words >> s.samples;
    } else if (command == "noise") {
      words >> s.noise;
    } else if (command == "exit") {
      words >> s.exit_status;
    } else if (command == "raise") {
      words >> s.raise_signal >> word >> s.raise_at;
      if (word != "at")
        s.raise_at = -1;
    } else if (command == "flood") {
      words >> s.flood_megabytes;
    } else if (command == "half_frame" || command == "skip_frame" || command == "half_further") {
      int frame = 0;
      words >> frame;
      (command == "half_frame"   ? s.half_frames
       : command == "skip_frame" ? s.skipped_frames
                                 : s.half_further)
          .insert(frame);
    } else if (command == "further") {
      words >> s.further.emplace_back();
    } else if (command == "print") {
      s.texts.push_back(line.substr(6));
    } else if (command == "wait_file") {
      words >> s.wait_file >> s.wait_from;
    } else if (command == "once") {
      words >> s.once;
    } else if (command == "leak") {
      words >> s.leak_megabytes;
    } else if (command == "print_arguments") {
      s.prints_arguments = true;
    } else if (command == "ignore") {
      s.ignores_term = true;
    } else if (command == "fork") {
      if (!(words >> s.forks))
        s.forks = 1;
    } else if (command == "hold") {
      words >> s.held_megabytes;
    } else if (command == "litter") {
      words >> s.litter_files >> s.litter_megabytes;
    } else if (command == "spin") {
      s.spins = true;
    } else if (command == "grow") {
      s.grows = true;
    } else if (command == "bomb") {
      s.bombs = true;
    } else if (command == "hang_load") {
      s.load_hangs = true;
    } else if (command == "hang") {
      s.hangs = true;
    } else if (command == "placeholders") {
      s.placeholders = true;
    } else if (command == "list_fds") {
      s.lists_descriptors = true;
    } else if (command == "print_env") {
      s.prints_environment = true;
    } else if (!command.empty()) {
      fail("fake_blender: unknown command " + command, 99);
    }
  }
  return s;
}

void render(const script& s, const std::string& pattern, int frame) {
  const auto file = file_of(pattern, frame);
  if (s.placeholders)
    std::ofstream{file};
  while (!s.wait_file.empty() && frame >= s.wait_from && ::access(s.wait_file.c_str(), F_OK) != 0)
    pause_for(.005);
  for (int sample = 1; sample <= s.samples; ++sample) {
    std::cout
        << "Fra:" << frame
        << " Mem:10.57M (Peak 10.83M) | Time:00:00.09 | Mem:1.42M, Peak:1.42M | Scene, ViewLayer | Sample "
        << sample << '/' << s.samples << std::endl;
    pause_for(s.frame_seconds / s.samples);
  }
  if (s.samples == 0)
    pause_for(s.frame_seconds);
  if (s.raise_signal && s.raise_at == frame && s.misbehaves())
    die_by(s.raise_signal);
  if (s.skipped_frames.contains(frame) && s.misbehaves())
    return;
  auto png = make_png(frame, s.noise);
  const bool halves_further = s.half_further.contains(frame) && s.misbehaves();
  for (const auto& name : s.further) {
    const auto beside = std::filesystem::path{pattern}.parent_path() / (name + "_####");
    std::ofstream{file_of(beside.native(), frame), std::ios::binary}
        << (halves_further ? png.substr(0, png.size() / 2) : png);
  }
  if (s.half_frames.contains(frame) && s.misbehaves())
    png.resize(png.size() / 2);
  if (!(std::ofstream{file, std::ios::binary} << png))
    fail("Error: Render error (No such file or directory) cannot save: '" + file + "'");
  std::cout << "Saved: '" << file << "'\n Time: 00:00.36 (Saving: 00:00.16)\n" << std::endl;
}

void begin(const script& s, const std::vector<std::string>& arguments) {
  if (s.ignores_term) {
    ::signal(SIGTERM, SIG_IGN);
    std::cout << "ignoring SIGTERM" << std::endl;
  }
  if (s.lists_descriptors)
    list_descriptors();
  for (char** variable = environ; s.prints_environment && *variable; ++variable)
    std::cout << *variable << '\n';
  for (const auto& argument : arguments)
    if (s.prints_arguments)
      std::cout << "argument: " << argument << '\n';
  for (const auto& text : s.texts)
    std::cout << text << std::endl;
  for (int i = 0; i < s.flood_megabytes * 1024; ++i)
    std::cout << std::string(1023, 'x') << '\n';
  std::cout.flush();
  static std::string held; // until the process ends, as memory that leaks does
  held.assign(static_cast<std::size_t>(s.held_megabytes) << 20U, 'x');
  const std::string temp = std::getenv("TMPDIR") ? std::getenv("TMPDIR") : ".";
  for (int i = 0; i < s.litter_files; ++i)
    std::ofstream{temp + "/litter-" + std::to_string(i)};
  if (s.litter_megabytes > 0) {
    std::ofstream file{temp + "/litter"};
    const std::string megabyte(1 << 20U, 'x');
    for (int i = 0; i < s.litter_megabytes; ++i)
      file << megabyte;
  }
  if (s.spins) // also between the attempts of a session
    std::thread{[] {
      for (volatile bool forever = true; forever;) {
      }
    }}.detach();
  if (s.grows)
    std::thread{[] {
      constexpr std::size_t step = 8 << 20;
      for (static std::vector<std::string> all;; std::this_thread::sleep_for(std::chrono::milliseconds{20}))
        all.emplace_back(step, 'x');
    }}.detach();
  if (s.bombs)
    for (pid_t made = 1; made >= 0;) { // until it may start no more
      made = ::fork();
      if (made == 0) {
        ::pause();
        std::_Exit(0);
      }
    }
  for (int i = 0; i < s.forks; ++i)
    if (::fork() == 0) {
      pause_for(1e6);
      std::_Exit(0);
    }
}

void end(const script& s) {
  while (s.hangs)
    ::pause();
  if (s.raise_signal && s.raise_at < 0 && s.misbehaves())
    die_by(s.raise_signal);
}

} // namespace kiln::tests

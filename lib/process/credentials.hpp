// SPDX-License-Identifier: Apache-2.0
//
// Another user: as which a process is started, or as which a thread of kilnd opens files.
#pragma once

#include "base/error.hpp"

#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

namespace kiln::process {

struct credentials {
  uid_t user = 0;
  gid_t group = 0;
  std::vector<gid_t> groups;  ///< supplementary groups; may include `group`
  std::string name;           ///< for messages and USER; the number of a user without a name
  std::filesystem::path home; ///< may be missing
};

/// Null: kilnd's own user.
using credentials_ptr = std::shared_ptr<const credentials>;

/// `text`: a name, a uid, or UID:GID. With a GID there are no supplementary groups; without one they are
/// those of the user. invalid_input, with the reason, if there is no such user. Blocks: the names can come
/// from a directory service.
[[nodiscard]] result<credentials> find_credentials(std::string_view text);

/// The environment of a process of this user: HOME, USER and LOGNAME are its own, and XDG_RUNTIME_DIR, a
/// directory of another user, is removed.
[[nodiscard]] std::vector<std::string> environment_of(const credentials& user,
                                                      std::vector<std::string> environment);

/// The capability that kilnd lacks for starting, and keeping in order, processes of this user; empty: none.
[[nodiscard]] std::string lack_of_privilege(const credentials& user);

/// Makes the calling process one of this user, for good and without capabilities. Call in a process that was
/// just cloned: other threads of the caller keep theirs. Async-signal-safe; on false, errno has the reason.
[[nodiscard]] bool become(const credentials& user) noexcept;

/// In its scope the calling thread opens, lists and creates files as another user. If kilnd may not do that,
/// nothing changes: a check then passes, and Blender itself reports the reason. Do not suspend in the scope.
class acting_as {
public:
  explicit acting_as(const credentials* user); ///< null: nothing changes
  acting_as(const acting_as&) = delete;
  acting_as& operator=(const acting_as&) = delete;
  ~acting_as();

  /// Whether kilnd may act as that user.
  [[nodiscard]] bool is_other() const noexcept { return is_other_; }

private:
  bool is_changed_ = false;
  bool is_other_ = false;
  uid_t user_ = 0; ///< the values before
  gid_t group_ = 0;
  std::vector<gid_t> groups_;
};

/// Gives a directory that kilnd has made, and the entries in it, to a user, with a mode that lets no other
/// user in. A directory that already belongs to the user stays as it is. No link is followed; an error for a
/// directory of a third user. Null: nothing changes. Blocks.
[[nodiscard]] result<void> give_directory(const std::filesystem::path& directory, const credentials* to);

} // namespace kiln::process

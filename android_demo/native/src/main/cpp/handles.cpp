#include "handles.h"

namespace edge_dnq::android {

std::int64_t Handles::add(std::shared_ptr<Program> program) {
  const std::lock_guard<std::mutex> lock(mutex_);
  programs_.emplace(++last_, std::move(program));
  return last_;
}

std::shared_ptr<Program> Handles::find(std::int64_t handle) const {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = programs_.find(handle);
  return found == programs_.end() ? nullptr : found->second;
}

bool Handles::close(std::int64_t handle) {
  std::shared_ptr<Program> last;
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = programs_.find(handle);
  if (found == programs_.end()) return false;
  last = std::move(found->second);
  programs_.erase(found);
  return true;
}

std::size_t Handles::open() const {
  const std::lock_guard<std::mutex> lock(mutex_);
  return programs_.size();
}

}  // namespace edge_dnq::android

#include "executorch/log_capture.h"

#include <executorch/runtime/platform/platform.h>

namespace edge_dnq {
namespace {

namespace et = executorch::runtime;

thread_local LogCapture* active = nullptr;
pal_emit_log_message_method previous = nullptr;

void emit(et_timestamp_t timestamp, et_pal_log_level_t level, const char* file,
          const char* function, std::size_t line, const char* message, std::size_t length) {
  if (active == nullptr) {
    if (previous != nullptr) previous(timestamp, level, file, function, line, message, length);
  } else if (level == kError || level == kFatal) {
    active->add(message, length);
  }
}

bool take_over() {
  previous = et::get_pal_impl()->emit_log_message;
  return et::register_pal(et::PalImpl::create(emit, __FILE__));
}

}  // namespace

LogCapture::LogCapture() : outer_(active) {
  static const bool taken_over = take_over();
  static_cast<void>(taken_over);
  active = this;
}

LogCapture::~LogCapture() { active = outer_; }

void LogCapture::add(const char* message, std::size_t length) {
  if (!first_.empty()) return;
  first_.assign(message, length);
  first_.erase(first_.find_last_not_of(" \n") + 1);
}

}  // namespace edge_dnq

#include "app/interruption.h"

#include <algorithm>
#include <ctime>

#include "model/time.h"

namespace weft::app {

Interruption::Interruption() {
  sigemptyset(&signals_);
  sigaddset(&signals_, SIGINT);
  sigaddset(&signals_, SIGTERM);
  pthread_sigmask(SIG_BLOCK, &signals_, &before_);
}

Interruption::~Interruption() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

bool Interruption::within(std::int64_t ns) {
  ns = std::max<std::int64_t>(ns, 0);
  const timespec wait{.tv_sec = ns / kNsPerSecond, .tv_nsec = ns % kNsPerSecond};
  happened_ = happened_ || sigtimedwait(&signals_, nullptr, &wait) > 0;
  return happened_;
}

}  // namespace weft::app

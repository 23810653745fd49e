#pragma once

// For tests and fuzzers only: a connection without a socket, which answers every request by itself.

#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "net/server/session.h"

namespace weft::net {

class ScriptedHost final : public Host {
 public:
  OutputQueue& output() override { return output_; }
  std::int64_t now_ns() const override { return now; }
  bool dispatch(Request&& request, const AnswerPtr& answer, std::size_t held) override {
    CHECK(held >= request.body.size());
    if (waiting.size() >= 4) {
      settle(*answer);
      return false;
    }
    release(held);
    waiting.push_back({std::move(request), answer});
    return true;
  }
  bool charge(std::size_t bytes) override {
    charged += bytes;
    return true;
  }
  void release(std::size_t bytes) override {
    CHECK(charged >= bytes);
    charged -= bytes;
  }
  void settle(Answer& answer) override { answer.settled = true; }
  void count(Refusal) override { ++refused; }
  void finish() override { finished = true; }
  void abort() override { finished = true; }

  // Answers what waits: whole or streamed, by the request's own bytes.
  void answer_all(Session& session) {
    while (!waiting.empty()) {
      auto [request, answer] = std::move(waiting.back());
      waiting.pop_back();
      ++requests;
      if (answer->settled) continue;
      if (request.path.size() % 2 == 0) {
        session.send(*answer, {200, {{"x", request.query}}, request.body, {{"t", "1"}}});
        continue;
      }
      session.begin(*answer, 200, {{"x", request.path}});
      session.write(*answer, std::move(request.body));
      if (request.path.size() % 3 == 0) {
        session.break_off(*answer);
      } else {
        session.end(*answer, {{"t", "1"}});
      }
    }
  }

  std::int64_t now = 1;
  std::size_t charged = 0;
  std::size_t refused = 0;
  std::size_t requests = 0;
  bool finished = false;
  std::vector<std::pair<Request, AnswerPtr>> waiting;

 private:
  OutputQueue output_;
};

}  // namespace weft::net

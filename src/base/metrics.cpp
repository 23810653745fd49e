#include "base/metrics.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

#include "base/check.h"

namespace weft {
namespace {

std::string number(double v) {
  if (std::isinf(v)) return v > 0 ? "+Inf" : "-Inf";
  if (std::isnan(v)) return "NaN";
  char text[40];
  if (v == std::floor(v) && std::fabs(v) < 1e15) {
    std::snprintf(text, sizeof text, "%.0f", v);
  } else {
    std::snprintf(text, sizeof text, "%.9g", v);
  }
  return text;
}

std::string label_text(const MetricLabels& labels, std::string_view extra_name = {},
                       std::string_view extra_value = {}) {
  std::string out;
  auto add = [&](std::string_view name, std::string_view value) {
    out += out.empty() ? '{' : ',';
    out += name;
    out += "=\"";
    for (char c : value) {
      if (c == '\\' || c == '"') out += '\\';
      if (c == '\n') {
        out += "\\n";
      } else {
        out += c;
      }
    }
    out += '"';
  };
  for (const auto& [name, value] : labels) add(name, value);
  if (!extra_name.empty()) add(extra_name, extra_value);
  if (!out.empty()) out += '}';
  return out;
}

}  // namespace

Histogram::Histogram(std::vector<double> upper_bounds)
    : bounds_(std::move(upper_bounds)),
      counts_(std::make_unique<std::atomic<std::uint64_t>[]>(bounds_.size() + 1)) {}

void Histogram::observe(double value) {
  auto bucket = static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin());
  counts_[bucket].fetch_add(1, std::memory_order_relaxed);
  double sum = sum_.load(std::memory_order_relaxed);
  while (!sum_.compare_exchange_weak(sum, sum + value, std::memory_order_relaxed)) {
  }
}

double Histogram::quantile(double q) const {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i <= bounds_.size(); ++i) total += counts_[i];
  if (total == 0) return 0;
  auto rank = static_cast<std::uint64_t>(std::ceil(q * static_cast<double>(total)));
  std::uint64_t seen = 0;
  for (std::size_t i = 0; i < bounds_.size(); ++i) {
    seen += counts_[i];
    if (seen >= rank) return bounds_[i];
  }
  return bounds_.empty() ? 0 : bounds_.back();
}

std::vector<double> latency_buckets() {
  return {.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 25, 50, 100};
}

struct Registry::Family {
  struct Member {
    MetricLabels labels;
    std::unique_ptr<Counter> counter;
    std::unique_ptr<Gauge> gauge;
    std::unique_ptr<Histogram> histogram;
    std::function<double()> read;
  };
  std::string help;
  std::string kind;
  std::vector<std::unique_ptr<Member>> members;

  Member& member(MetricLabels labels) {
    for (auto& m : members)
      if (m->labels == labels) return *m;
    members.push_back(std::make_unique<Member>());
    members.back()->labels = std::move(labels);
    return *members.back();
  }
};

struct Registry::Impl {
  mutable std::mutex mutex;
  std::map<std::string, Family, std::less<>> families;

  Family& family(std::string_view name, std::string_view help, std::string_view kind) {
    Family& f = families[std::string(name)];
    CHECK(f.kind.empty() || f.kind == kind);
    f.kind = kind;
    f.help = help;
    return f;
  }
};

Registry::Registry() : impl_(std::make_unique<Impl>()) {}
Registry::~Registry() = default;

Counter& Registry::counter(std::string_view name, std::string_view help, MetricLabels labels) {
  std::lock_guard lock(impl_->mutex);
  auto& m = impl_->family(name, help, "counter").member(std::move(labels));
  if (!m.counter) m.counter = std::make_unique<Counter>();
  return *m.counter;
}

Gauge& Registry::gauge(std::string_view name, std::string_view help, MetricLabels labels) {
  std::lock_guard lock(impl_->mutex);
  auto& m = impl_->family(name, help, "gauge").member(std::move(labels));
  if (!m.gauge) m.gauge = std::make_unique<Gauge>();
  return *m.gauge;
}

Histogram& Registry::histogram(std::string_view name, std::string_view help,
                               std::vector<double> bounds, MetricLabels labels) {
  std::lock_guard lock(impl_->mutex);
  auto& m = impl_->family(name, help, "histogram").member(std::move(labels));
  if (!m.histogram) m.histogram = std::make_unique<Histogram>(std::move(bounds));
  return *m.histogram;
}

void Registry::gauge_function(std::string_view name, std::string_view help,
                              std::function<double()> read, MetricLabels labels) {
  std::lock_guard lock(impl_->mutex);
  impl_->family(name, help, "gauge").member(std::move(labels)).read = std::move(read);
}

std::string Registry::render() const {
  std::lock_guard lock(impl_->mutex);
  std::string out;
  for (const auto& [name, family] : impl_->families) {
    out += "# HELP " + name + " " + family.help + "\n# TYPE " + name + " " + family.kind + "\n";
    for (const auto& m : family.members) {
      if (m->counter) {
        out += name + label_text(m->labels) + " " + std::to_string(m->counter->value()) + "\n";
      } else if (m->gauge || m->read) {
        double v = m->read ? m->read() : m->gauge->value();
        out += name + label_text(m->labels) + " " + number(v) + "\n";
      } else if (m->histogram) {
        const Histogram& h = *m->histogram;
        std::uint64_t total = 0;
        for (std::size_t i = 0; i <= h.bounds_.size(); ++i) {
          total += h.counts_[i];
          std::string le = i < h.bounds_.size() ? number(h.bounds_[i]) : "+Inf";
          out += name + "_bucket" + label_text(m->labels, "le", le) + " " + std::to_string(total) + "\n";
        }
        out += name + "_sum" + label_text(m->labels) + " " + number(h.sum_.load()) + "\n";
        out += name + "_count" + label_text(m->labels) + " " + std::to_string(total) + "\n";
      }
    }
  }
  return out;
}

}  // namespace weft

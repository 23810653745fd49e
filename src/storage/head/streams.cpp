#include "storage/head/streams.h"

#include <algorithm>
#include <mutex>

namespace weft::storage {
namespace {

// As LabelSet::hash(), without making a LabelSet.
std::uint64_t hash_sorted(std::span<const Label> labels) {
  std::uint64_t h = labels.size();
  for (const Label& l : labels) h = hash_combine(hash_combine(h, hash64(l.name)), hash64(l.value));
  return h;
}

}  // namespace

std::uint32_t StreamTable::tenant(const TenantId& tenant) {
  if (auto known = find_tenant(tenant)) return *known;
  std::unique_lock lock(mutex_);
  auto [at, added] = tenant_numbers_.emplace(tenant, static_cast<std::uint32_t>(tenants_.size()));
  if (added) tenants_.push_back(std::make_unique<Tenant>());
  return at->second;
}

std::optional<std::uint32_t> StreamTable::find_tenant(const TenantId& tenant) const {
  std::shared_lock lock(mutex_);
  auto at = tenant_numbers_.find(tenant);
  if (at == tenant_numbers_.end()) return std::nullopt;
  return at->second;
}

StreamPtr StreamTable::find(const Tenant& tenant, std::uint64_t hash, std::span<const Label> sorted) {
  auto [begin, end] = tenant.streams.equal_range(hash);
  for (auto at = begin; at != end; ++at)
    if (std::ranges::equal(at->second->labels.labels(), sorted)) return at->second;
  return nullptr;
}

StreamPtr StreamTable::intern(std::uint32_t tenant, std::span<const Label> labels) {
  std::vector<Label> sorted;
  sorted.reserve(labels.size());
  for (const Label& l : labels)
    if (!l.value.empty()) sorted.push_back(l);
  std::ranges::sort(sorted);
  std::uint64_t hash = hash_sorted(sorted);
  {
    std::shared_lock lock(mutex_);
    if (StreamPtr known = find(*tenants_[tenant], hash, sorted)) return known;
  }
  auto made = std::make_shared<StreamEntry>();
  made->labels = LabelSet::from(sorted);
  made->hash = hash;
  made->tenant = tenant;
  made->text = made->labels.to_string();
  std::unique_lock lock(mutex_);
  Tenant& t = *tenants_[tenant];
  if (StreamPtr known = find(t, hash, sorted)) return known;
  made->id = next_id_++;
  ++count_;
  t.streams.emplace(hash, made);
  add_to_index(t, made);
  return made;
}

void StreamTable::add_to_index(Tenant& tenant, const StreamPtr& stream) {
  for (const Label& l : stream->labels.labels()) {
    auto by_value = tenant.index.find(l.name);
    if (by_value == tenant.index.end()) by_value = tenant.index.emplace(l.name, ByValue()).first;
    auto list = by_value->second.find(l.value);
    if (list == by_value->second.end())
      list = by_value->second.emplace(l.value, std::vector<StreamPtr>()).first;
    list->second.push_back(stream);
  }
}

std::vector<StreamPtr> StreamTable::select(std::uint32_t tenant,
                                           std::span<const exec::LabelMatcher> matchers) const {
  std::vector<StreamPtr> out;
  {
    std::shared_lock lock(mutex_);
    const Tenant& t = *tenants_[tenant];
    // The shortest list that an equality, or a regex of few literals, leads to.
    std::vector<const std::vector<StreamPtr>*> best;
    std::size_t best_size = t.streams.size();
    bool narrowed = false;
    for (const exec::LabelMatcher& m : matchers) {
      const auto& literals = m.matcher.literals();
      if (literals.empty() || m.matcher.matches("")) continue;
      std::vector<const std::vector<StreamPtr>*> lists;
      std::size_t size = 0;
      if (auto by_value = t.index.find(m.name); by_value != t.index.end()) {
        for (const std::string& value : literals) {
          auto list = by_value->second.find(value);
          if (list == by_value->second.end()) continue;
          lists.push_back(&list->second);
          size += list->second.size();
        }
      }
      if (narrowed && size >= best_size) continue;
      narrowed = true;
      best_size = size;
      best = std::move(lists);
    }
    out.reserve(best_size);
    if (narrowed) {
      std::ranges::sort(best);
      best.erase(std::unique(best.begin(), best.end()), best.end());
      for (const auto* list : best) out.insert(out.end(), list->begin(), list->end());
    } else {
      for (const auto& [hash, stream] : t.streams) out.push_back(stream);
    }
  }
  std::erase_if(out, [&](const StreamPtr& stream) {
    return !std::ranges::all_of(
        matchers, [&](const exec::LabelMatcher& m) { return m.matcher.matches(stream->labels.get(m.name)); });
  });
  return out;
}

void StreamTable::collect() {
  std::unique_lock lock(mutex_);
  for (auto& tenant : tenants_) {
    // A stream is held by the map and once per label by the index. Nobody can take another
    // reference while the lock is held.
    std::size_t before = tenant->streams.size();
    std::erase_if(tenant->streams, [](const auto& item) {
      return item.second.use_count() == static_cast<long>(1 + item.second->labels.labels().size());
    });
    if (tenant->streams.size() == before) continue;
    count_ -= before - tenant->streams.size();
    tenant->index.clear();
    for (const auto& [hash, stream] : tenant->streams) add_to_index(*tenant, stream);
  }
}

std::size_t StreamTable::size() const {
  std::shared_lock lock(mutex_);
  return count_;
}

}  // namespace weft::storage

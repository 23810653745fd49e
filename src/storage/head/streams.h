#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "exec/matcher.h"
#include "model/labels.h"
#include "model/tenant.h"
#include "storage/snapshot.h"

namespace weft::storage {

// A stream as every part of the store knows it.
struct StreamEntry : Stream {
  std::uint32_t tenant = 0;
  std::uint32_t id = 0;  // unique among all streams that the store ever had
  std::string text;      // labels as text: the order of streams
};
using StreamPtr = std::shared_ptr<const StreamEntry>;

// Tenants as small numbers; streams made unique; the label index. Thread-safe: readers share a
// lock, which is held for look-ups only, never while a regular expression runs.
class StreamTable {
 public:
  std::uint32_t tenant(const TenantId& tenant);
  std::optional<std::uint32_t> find_tenant(const TenantId& tenant) const;

  // The stream of these labels (names unique; empty values do not count), made if need be.
  StreamPtr intern(std::uint32_t tenant, std::span<const Label> labels);

  // Streams of a tenant for which all matchers hold, in no order.
  std::vector<StreamPtr> select(std::uint32_t tenant, std::span<const exec::LabelMatcher> matchers) const;

  // Forgets streams that nobody else holds.
  void collect();
  std::size_t size() const;

 private:
  using ByValue = std::unordered_map<std::string, std::vector<StreamPtr>, StringHash, std::equal_to<>>;
  struct Tenant {
    std::unordered_multimap<std::uint64_t, StreamPtr> streams;  // by hash of labels
    std::unordered_map<std::string, ByValue, StringHash, std::equal_to<>> index;
  };
  static void add_to_index(Tenant& tenant, const StreamPtr& stream);
  static StreamPtr find(const Tenant& tenant, std::uint64_t hash, std::span<const Label> sorted);

  mutable std::shared_mutex mutex_;  // guards everything below
  std::unordered_map<std::string, std::uint32_t, StringHash, std::equal_to<>> tenant_numbers_;
  std::vector<std::unique_ptr<Tenant>> tenants_;
  std::uint32_t next_id_ = 0;
  std::size_t count_ = 0;
};

}  // namespace weft::storage

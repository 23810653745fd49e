#include "text/template.h"

#include <algorithm>

namespace {

class FuzzFields final : public weft::text::TemplateFields {
 public:
  explicit FuzzFields(std::string_view line) : line_(line) {}
  std::string_view get(std::string_view name) const override {
    return name == "a" ? line_ : std::string_view();
  }
  void each(const std::function<void(std::string_view, std::string_view)>& visit) const override {
    visit("a", line_);
  }
  std::string_view line() const override { return line_; }
  std::int64_t time_ns() const override { return 1795170435961732477; }
  std::int64_t now_ns() const override { return 1795172400000000000; }

 private:
  std::string_view line_;
};

}  // namespace

// The first line is the data, the rest the template: it may fail, but ends and stays in bounds.
extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  std::string_view input(reinterpret_cast<const char*>(data), size);
  std::string_view line = input.substr(0, input.find('\n'));
  auto compiled = weft::text::Template::parse(input.substr(std::min(input.size(), line.size() + 1)), "t");
  if (!compiled) return 0;
  std::string out;
  (void)compiled->execute(FuzzFields(line), out);
  return 0;
}

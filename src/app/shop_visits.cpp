// The plot of the shop: what visitors ask for, how the services answer each other, and what goes
// wrong. Failures start in one place and spread upwards, and the lines on the way say why.

#include <algorithm>
#include <array>
#include <ctime>
#include <optional>

#include "app/shop_story.h"
#include "model/time.h"

namespace weft::app {

namespace {

using std::string_view_literals::operator""sv;

Value words(std::string_view text) {
  return Value::of(text);
}
Value count(std::int64_t number) {
  return Value::of(number);
}
Value amount(double number) {
  return Value::of(number);
}

struct Product {
  std::string_view sku, name;
  double price;
};

constexpr std::array<Product, 16> kProducts{{
    {"LMP-0031", "desk lamp", 39.90},
    {"CHR-0112", "oak chair", 129.00},
    {"MUG-0007", "stoneware mug", 12.50},
    {"RUG-0450", "wool rug", 249.00},
    {"CLK-0220", "wall clock", 54.00},
    {"TBL-0018", "side table", 89.00},
    {"VAS-0301", "glass vase", 27.80},
    {"BLK-0099", "linen blanket", 74.50},
    {"KTL-0016", "copper kettle", 98.00},
    {"FRM-0555", "picture frame", 18.00},
    {"SHF-0061", "floating shelf", 45.00},
    {"PLW-0140", "down pillow", 61.00},
    {"CND-0012", "candle set", 16.90},
    {"BSK-0234", "seagrass basket", 33.00},
    {"MIR-0070", "round mirror", 119.00},
    {"TRY-0021", "bamboo tray", 22.40},
}};
constexpr std::array kCities{"Berlin"sv, "Lyon"sv, "Porto"sv, "Gdansk"sv, "Utrecht"sv, "Graz"sv, "Malmo"sv};
constexpr std::array kAgents{
    "Mozilla/5.0 (X11; Linux x86_64; rv:146.0) Gecko/20100101 Firefox/146.0"sv,
    "Mozilla/5.0 (iPhone; CPU iPhone OS 19_1 like Mac OS X) AppleWebKit/605.1.15"sv,
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/143.0 Safari/537.36"sv,
    "shop-android/8.4.1 okhttp/4.12"sv};
constexpr std::array kSearches{"lamp"sv,   "blue rug"sv,    "chair oak"sv, "gift"sv,
                               "kettle"sv, "small table"sv, "xmas"sv};

template <class Item, std::size_t kCount>
const Item& one_of(Random& random, const std::array<Item, kCount>& items) {
  return items[random.below(kCount)];
}

class Visit {
 public:
  Visit(Story& story, bool database_is_slow)
      : story_(story),
        random_(story.random()),
        database_is_slow_(database_is_slow),
        product_(one_of(random_, kProducts)),
        customer_(story.text("cust-{:04d}", 1000 + random_.below(400))),
        session_(story.text("{:016x}", random_.next())) {}

  void browse() {
    enter("GET", "/", "/", [&] { return home(); });
  }
  void look_at_product() {
    enter("GET", "/products/{sku}", story_.text("/products/{}", product_.sku),
          [&] { return product_page(); });
  }
  void search() {
    const std::string_view query = one_of(random_, kSearches);
    enter("GET", "/search", "/search", [&] { return search_for(query); });
  }
  void add_to_cart() {
    enter("POST", "/cart/items", "/cart/items", [&] { return put_into_cart(); });
  }
  void check_out() {
    enter("POST", "/checkout", "/checkout", [&] { return buy(); });
  }

  // The message of an order, where one was placed: what the notifications service works off later.
  struct Order {
    SpanPlace published_by;
    std::string_view id;
    double total;
    std::int64_t published_ns;
  };
  const std::optional<Order>& order() const { return order_; }
  std::string_view customer() const { return customer_; }

 private:
  // --- the ways in which services talk ---

  template <class Work>
  void enter(std::string_view method, std::string_view route, std::string_view path, const Work& work) {
    const std::int64_t start_ns = story_.now_ns();
    const std::string_view agent = one_of(random_, kAgents);
    const std::string_view address = story_.text("203.0.113.{}", 1 + random_.below(250));
    story_.begin(kGateway, SpanKind::server, story_.text("{} {}", method, route));
    story_.set("http.request.method", method);
    story_.set("url.path", path);
    story_.set("url.scheme", "https");
    story_.set("client.address", address);
    story_.set("user_agent.original", agent);
    story_.set("network.protocol.version", "2");
    story_.pass_ms(0.3);
    const int status = call(kGateway, kStorefront, method, route, work);
    story_.pass_ms(0.2);
    story_.set("http.response.status_code", count(status));
    if (status >= 500) story_.fail(story_.text("upstream answered {}", status));
    const std::int64_t bytes = status < 400 ? random_.between(900, 48'000) : random_.between(80, 300);
    story_.set("http.response.body.size", count(bytes));
    const std::time_t seconds = story_.now_ns() / kNsPerSecond;
    std::tm utc{};
    gmtime_r(&seconds, &utc);
    char date[40];
    std::strftime(date, sizeof date, "%d/%b/%Y:%H:%M:%S +0000", &utc);
    story_.log_line(
        status >= 500   ? "error"
        : status >= 400 ? "warn"
                        : "info",
        story_.text("{} - {} [{}] \"{} {} HTTP/2.0\" {} {} \"-\" \"{}\" rt={:.3f} trace_id={} span_id={}",
                    address, customer_, date, method, path, status, bytes, agent,
                    static_cast<double>(story_.now_ns() - start_ns) / 1e9, to_hex(story_.here().trace_id),
                    to_hex(story_.here().span_id)));
    story_.end();
  }

  // A client span in `from`, a server span in `to`. `work` happens in the latter and gives the
  // HTTP status.
  template <class Work>
  int call(ServiceIndex from, ServiceIndex to, std::string_view method, std::string_view route,
           const Work& work) {
    const std::string_view server = shop_services()[to].name;
    story_.begin(from, SpanKind::client, story_.text("{} {}", method, server));
    story_.set("http.request.method", method);
    story_.set("server.address", story_.text("{}.{}.svc", server, kShopNamespace));
    story_.set("server.port", count(8080));
    story_.set("peer.service", server);
    story_.pass_ms(0.4);
    story_.begin(to, SpanKind::server, story_.text("{} {}", method, route));
    story_.set("http.request.method", method);
    story_.set("http.route", route);
    story_.set("customer.id", customer_);
    story_.set("session.id", session_);
    story_.pass_ms(0.3);
    const int status = work();
    story_.set("http.response.status_code", count(status));
    if (status >= 500) story_.fail(story_.text("answered {}", status));
    story_.end();
    story_.pass_ms(0.3);
    story_.set("http.response.status_code", count(status));
    if (status >= 400) story_.fail(story_.text("HTTP {} from {}", status, server));
    story_.end();
    return status;
  }

  // Two things at once: the second starts when the first does.
  template <class First, class Second>
  std::pair<int, int> together(const First& first, const Second& second) {
    const std::int64_t start_ns = story_.now_ns();
    const int a = first();
    const std::int64_t first_end_ns = story_.now_ns();
    story_.set_now_ns(start_ns + random_.between(20'000, 90'000));
    const int b = second();
    story_.set_now_ns(std::max(first_end_ns, story_.now_ns()));
    return {a, b};
  }

  void database(ServiceIndex service, std::string_view name, std::string_view statement, double median_ms) {
    story_.begin(service, SpanKind::client,
                 story_.text("{} {}", statement.substr(0, statement.find(' ')), name));
    story_.set("db.system", "postgresql");
    story_.set("db.name", name);
    story_.set("db.statement", statement);
    story_.set("server.address", story_.text("{}-postgres", name));
    story_.pass_ms(median_ms, 0.5);
    story_.set("db.rows", count(static_cast<std::int64_t>(1 + random_.below(40))));
    story_.end();
  }

  void redis(std::string_view command, bool hit) {
    story_.begin(kCart, SpanKind::client, command);
    story_.set("db.system", "redis");
    story_.set("db.statement", story_.text("{} cart:{}", command, customer_));
    story_.pass_ms(0.6);
    story_.set("cache.hit", Value::of(hit));
    story_.end();
  }

  // --- what each service does ---

  int home() {
    const auto [products, cart] =
        together([&] { return call(kStorefront, kCatalog, "GET", "/products", [&] { return list(); }); },
                 [&] { return call(kStorefront, kCart, "GET", "/cart", [&] { return read_cart(); }); });
    story_.pass_ms(3);
    story_.log("info", "page rendered",
               {{"page", words("home")}, {"customer", words(customer_)}, {"products", count(16)}});
    return std::max(products, cart);
  }

  int list() {
    const bool cached = random_.chance(0.7);
    if (cached) story_.event("cache.hit", {{"cache.key", words("products:front")}});
    if (!cached)
      database(kCatalog, "catalog",
               "SELECT sku, name, price FROM products WHERE featured ORDER BY rank LIMIT 16", 6);
    story_.log(random_.chance(0.2) ? "info" : "debug", "listed products",
               {{"count", count(16)}, {"cached", Value::of(cached)}});
    return 200;
  }

  int product_page() {
    if (random_.chance(0.02)) {
      const int status = call(kStorefront, kCatalog, "GET", "/products/{sku}", [&] {
        database(kCatalog, "catalog", "SELECT * FROM products WHERE sku = $1", 2);
        story_.log("warn", "product not found",
                   {{"sku", words("OLD-0000")}, {"referrer", words("newsletter-2024-11")}});
        return 404;
      });
      story_.log("warn", "page not found",
                 {{"path", words("/products/OLD-0000")}, {"customer", words(customer_)}});
      return status;
    }
    const auto [info, stock] = together(
        [&] {
          return call(kStorefront, kCatalog, "GET", "/products/{sku}", [&] {
            story_.set("product.sku", product_.sku);
            database(kCatalog, "catalog", "SELECT * FROM products WHERE sku = $1", 2);
            return 200;
          });
        },
        [&] { return call(kStorefront, kInventory, "GET", "/stock/{sku}", [&] { return stock_of(); }); });
    if (stock >= 500) {
      story_.log("warn", "stock unknown, page shown without it",
                 {{"sku", words(product_.sku)}, {"upstream", words("inventory")}, {"status", count(stock)}});
    }
    if (random_.chance(0.006)) {
      const std::string_view message = "Cannot read properties of undefined (reading 'price')";
      story_.exception(
          "TypeError", message,
          "TypeError: Cannot read properties of undefined (reading 'price')\n"
          "    at renderOffer (/app/src/pages/product.js:118:31)\n"
          "    at render (/app/src/pages/product.js:42:9)\n    at Layer.handle (/app/server.js:77:5)");
      story_.log("error", "unhandled exception while rendering",
                 {{"page", words("product")},
                  {"sku", words(product_.sku)},
                  {"error", words(message)},
                  {"stack", words("at renderOffer (/app/src/pages/product.js:118:31)\nat render "
                                  "(/app/src/pages/product.js:42:9)")}});
      return 500;
    }
    story_.pass_ms(4);
    story_.log("info", "page rendered",
               {{"page", words("product")}, {"customer", words(customer_)}, {"sku", words(product_.sku)}});
    return info;
  }

  int search_for(std::string_view query) {
    const bool broad = random_.chance(0.12);  // no index helps a broad one
    const int status = call(kStorefront, kCatalog, "GET", "/search", [&] {
      story_.set("search.query", query);
      database(kCatalog, "catalog", "SELECT sku, name FROM products WHERE document @@ plainto_tsquery($1)",
               broad ? 320 : 18);
      const std::int64_t found = random_.between(0, 40);
      story_.set("search.hits", count(found));
      story_.log(broad ? "warn" : "info", broad ? "slow search" : "searched",
                 {{"query", words(query)},
                  {"hits", count(found)},
                  {"plan", words(broad ? "seq_scan" : "gin_index")}});
      return 200;
    });
    story_.pass_ms(3);
    story_.log("info", "page rendered",
               {{"page", words("search")}, {"query", words(query)}, {"customer", words(customer_)}});
    return status;
  }

  int read_cart() {
    if (random_.chance(0.015)) {
      story_.event("retry", {{"attempt", count(1)}, {"reason", words("connection reset by peer")}});
      story_.log("warn", "redis connection lost, trying again",
                 {{"addr", words("cart-redis:6379")},
                  {"err", words("read: connection reset by peer")},
                  {"attempt", count(1)}});
      story_.pass_ms(25);
    }
    redis("HGETALL", true);
    story_.log("debug", "cart read",
               {{"customer", words(customer_)}, {"items", count(random_.between(0, 5))}});
    return 200;
  }

  int put_into_cart() {
    const int stock = call(kStorefront, kInventory, "GET", "/stock/{sku}", [&] { return stock_of(); });
    if (stock >= 500) {
      story_.log(
          "error", "cannot add to cart: stock is unknown",
          {{"sku", words(product_.sku)}, {"customer", words(customer_)}, {"upstream_status", count(stock)}});
      return 503;
    }
    const int status = call(kStorefront, kCart, "POST", "/cart/items", [&] {
      story_.set("product.sku", product_.sku);
      redis("HSET", false);
      story_.log(
          "info", "item added",
          {{"customer", words(customer_)}, {"sku", words(product_.sku)}, {"price", amount(product_.price)}});
      return 201;
    });
    story_.log("info", "cart updated", {{"customer", words(customer_)}, {"sku", words(product_.sku)}});
    return status;
  }

  int stock_of() { return with_inventory("SELECT on_hand FROM stock WHERE sku = $1", "Stock read", 3); }

  int with_inventory(std::string_view statement, std::string_view done, double median_ms) {
    story_.set("product.sku", product_.sku);
    if (!database_is_slow_ || random_.chance(0.3)) {
      database(kInventory, "inventory", statement, median_ms);
      if (random_.chance(0.3)) {
        story_.log("info", done, {{"sku", words(product_.sku)}, {"on_hand", count(random_.between(1, 80))}});
      }
      return 200;
    }
    if (random_.chance(0.25)) {
      story_.event("pool.wait",
                   {{"pool.active", count(10)}, {"pool.waiting", count(random_.between(8, 40))}});
      story_.pass_exactly_ms(2000);
      const std::string_view message =
          "HikariPool-1 - Connection is not available, request timed out after 2000ms (total=10, active=10, "
          "idle=0)";
      story_.exception(
          "java.sql.SQLTransientConnectionException", message,
          "java.sql.SQLTransientConnectionException: HikariPool-1 - Connection is not available\n"
          "\tat com.zaxxer.hikari.pool.HikariPool.createTimeoutException(HikariPool.java:686)\n"
          "\tat com.shop.inventory.StockService.find(StockService.java:57)");
      story_.log("error", message, {{"sku", words(product_.sku)}});
      return 503;
    }
    const std::int64_t before_ns = story_.now_ns();
    database(kInventory, "inventory", statement, 420);
    story_.log("warn",
               story_.text("Slow query: {} ms, waited for lock on relation stock (autovacuum)",
                           (story_.now_ns() - before_ns) / kNsPerMs),
               {{"sku", words(product_.sku)}, {"threshold_ms", count(250)}});
    return 200;
  }

  int buy() {
    const int status = call(kStorefront, kCheckout, "POST", "/orders", [&] { return place_order(); });
    if (status == 402) {
      story_.log("warn", "order not placed: payment declined", {{"customer", words(customer_)}});
    } else if (status >= 500) {
      story_.log(
          "error", "order failed",
          {{"customer", words(customer_)}, {"upstream", words("checkout")}, {"status", count(status)}});
    } else {
      story_.log("info", "order confirmed", {{"customer", words(customer_)}, {"order", words(order_->id)}});
    }
    return status;
  }

  int place_order() {
    const std::string_view id = story_.text("ord-{:08x}", random_.next() >> 32);
    const std::int64_t items = random_.between(1, 5);
    const double total =
        static_cast<double>(std::llround(product_.price * static_cast<double>(items) * 100)) / 100;
    story_.set("order.id", id);
    story_.set("order.items", count(items));
    story_.set("order.total", amount(total));
    story_.log("info", "checkout started",
               {{"order", words(id)},
                {"customer", words(customer_)},
                {"items", count(items)},
                {"total", amount(total)}});
    call(kCheckout, kCart, "GET", "/cart", [&] { return read_cart(); });
    const int reserved = call(kCheckout, kInventory, "POST", "/reservations", [&] {
      return with_inventory("UPDATE stock SET reserved = reserved + $2 WHERE sku = $1 AND on_hand >= $2",
                            "Stock reserved", 5);
    });
    if (reserved >= 500) {
      story_.log("error", "reservation failed, order given up",
                 {{"order", words(id)},
                  {"upstream", words("inventory")},
                  {"status", count(reserved)},
                  {"error", words("503 Service Unavailable")}});
      return 502;
    }
    const int paid = call(kCheckout, kPayment, "POST", "/charge", [&] { return charge(id, total); });
    if (paid != 200) {
      story_.event("reservation.released", {{"order.id", words(id)}});
      story_.log(
          paid == 402 ? "warn" : "error",
          paid == 402 ? "payment declined, reservation released" : "payment failed, reservation released",
          {{"order", words(id)}, {"status", count(paid)}, {"total", amount(total)}});
      return paid == 402 ? 402 : 502;
    }
    publish(id, total);
    story_.log("info", "order placed",
               {{"order", words(id)}, {"total", amount(total)}, {"currency", words("EUR")}});
    return 201;
  }

  int charge(std::string_view order, double total) {
    story_.set("payment.amount", amount(total));
    story_.set("payment.currency", "EUR");
    story_.log("info", "Processing payment",
               {{"amount", amount(total)}, {"currency", words("EUR")}, {"order", words(order)}});
    const bool declined = random_.chance(0.06);
    const bool bank_is_down = random_.chance(0.015);
    const bool bank_stumbles = bank_is_down || random_.chance(0.08);
    const int attempts = bank_is_down ? 3 : bank_stumbles ? 2 : 1;
    for (int attempt = 1; attempt <= attempts; ++attempt) {
      const bool unavailable = bank_is_down || attempt < attempts;
      ask_bank(attempt, unavailable ? 503 : declined ? 402 : 200);
      if (!unavailable) break;
      if (attempt == attempts) {
        story_.log("error", "Payment failed",
                   {{"order", words(order)},
                    {"attempts", count(attempts)},
                    {"error", words("bank: 503 service unavailable")}});
        return 502;
      }
      story_.event("retry", {{"attempt", count(attempt)}, {"backoff_ms", count(100 * attempt)}});
      story_.log("warn", "Bank unavailable, trying again",
                 {{"attempt", count(attempt)},
                  {"backoff_ms", count(100 * attempt)},
                  {"error", words("503 service unavailable")}});
      story_.pass_exactly_ms(100 * attempt);
    }
    if (declined) {
      story_.log(
          "error", "Payment declined",
          {{"order", words(order)}, {"reason", words("insufficient_funds")}, {"amount", amount(total)}});
      return 402;
    }
    database(kPayment, "payments", "INSERT INTO ledger (payment, amount, currency) VALUES ($1, $2, $3)", 4);
    story_.log("info", "Payment processed successfully",
               {{"amount", amount(total)}, {"order", words(order)}});
    return 200;
  }

  void ask_bank(int attempt, int status) {
    story_.begin(kPayment, SpanKind::client, "POST /v1/authorisations");
    story_.set("http.request.method", "POST");
    story_.set("server.address", "api.bank.example");
    story_.set("peer.service", "bank");
    if (attempt > 1) story_.set("http.request.resend_count", count(attempt - 1));
    story_.pass_ms(95, 0.5);
    story_.set("http.response.status_code", count(status));
    if (status == 402) {
      story_.event("card.declined", {{"reason", words("insufficient_funds")}});
      story_.fail("declined: insufficient funds");
    } else if (status == 503) {
      story_.fail("503 service unavailable");
    } else {
      story_.event("card.authorised", {{"network", words("visa")}});
    }
    story_.end();
  }

  void publish(std::string_view order, double total) {
    story_.begin(kCheckout, SpanKind::producer, "orders publish");
    story_.set("messaging.system", "kafka");
    story_.set("messaging.destination.name", "orders");
    story_.set("messaging.message.id", order);
    story_.pass_ms(2);
    order_ = Order{story_.here(), order, total, story_.now_ns()};
    story_.end();
  }

  Story& story_;
  Random& random_;
  bool database_is_slow_;
  const Product& product_;
  std::string_view customer_;
  std::string_view session_;
  std::optional<Order> order_;
};

// The consumer's side of an order: a trace of its own, whose root links to the span that published.
void notify(Random& random, const Visit::Order& order, std::string_view customer, ShopScene& scene) {
  Story story(random, order.published_ns + random.between(150, 1800) * kNsPerMs, scene);
  story.begin(kNotifications, SpanKind::consumer, "orders process");
  story.link(order.published_by, {{"messaging.message.id", words(order.id)}});
  story.set("messaging.system", "kafka");
  story.set("messaging.destination.name", "orders");
  story.set("messaging.consumer.group.name", "notifications");
  story.set("messaging.kafka.offset", count(random.between(1'000'000, 9'000'000)));
  story.set("order.id", order.id);
  story.log("info", story.text("processing order {}", order.id),
            {{"order", words(order.id)}, {"customer", words(customer)}});
  const auto render = [&] {
    story.begin(kNotifications, SpanKind::internal, "render template");
    story.set("template", "order-confirmation");
    story.pass_ms(12);
    story.end();
  };
  const auto send = [&](bool fails) {
    story.begin(kNotifications, SpanKind::client, "SMTP send");
    story.set("server.address", "smtp.mail.example");
    story.set("mail.to.city", one_of(random, kCities));
    story.pass_ms(140, 0.5);
    if (fails) story.fail("451 4.3.0 temporary failure, try again later");
    story.end();
  };
  render();
  if (random.chance(0.07)) {
    send(true);
    story.event("retry", {{"attempt", count(1)}});
    story.log("warn", "mail server refused for now, trying again",
              {{"order", words(order.id)}, {"smtp.code", count(451)}, {"attempt", count(1)}});
    story.pass_exactly_ms(250);
  }
  if (random.chance(0.01)) {
    send(true);
    story.exception("SMTPServerDisconnected", "Connection unexpectedly closed",
                    "Traceback (most recent call last):\n  File \"/app/worker.py\", line 88, in process\n"
                    "smtplib.SMTPServerDisconnected: Connection unexpectedly closed");
    story.log("error", "confirmation not sent, order parked for a later attempt",
              {{"order", words(order.id)}, {"total", amount(order.total)}});
    return;
  }
  send(false);
  story.log("info", "confirmation sent", {{"order", words(order.id)}, {"channel", words("email")}});
}

}  // namespace

void play_visit(Random& random, bool database_is_slow, std::int64_t start_ns, ShopScene& scene) {
  std::optional<Visit::Order> order;
  std::string_view customer;
  {
    Story story(random, start_ns, scene);
    Visit visit(story, database_is_slow);
    const double what = random.unit();
    if (what < 0.34) {
      visit.browse();
    } else if (what < 0.62) {
      visit.look_at_product();
    } else if (what < 0.72) {
      visit.search();
    } else if (what < 0.86) {
      visit.add_to_cart();
    } else {
      visit.check_out();
    }
    order = visit.order();
    customer = visit.customer();
  }
  if (order) notify(random, *order, customer, scene);
}

}  // namespace weft::app

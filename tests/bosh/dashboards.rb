# The dashboards of manifests/grafana: whole and well-formed as far as that can be told without Grafana, and every query
# of theirs is asked of a real Prometheus that scrapes `promfetch demo` by the shipped jobs, with the shipped rules: none
# fails, and none is empty. What needs failures gets them from the demo's app `flaky`, of whose four instances
# one never answers and one answers garbage: reasons, failed fetches, alerts.
#
#     PROMFETCH=target/debug/promfetch ruby tests/bosh/dashboards.rb

require "json"
require "minitest/autorun"
require "yaml"
require_relative "support/running"

ROOT = File.expand_path("../..", __dir__)
DASHBOARDS = Dir[File.join(ROOT, "manifests/grafana/*.json")].sort
RULES = File.join(ROOT, "manifests/prometheus/rules")

module Boards
  module_function

  def all
    @all ||= DASHBOARDS.to_h { |file| [File.basename(file), JSON.parse(File.read(file))] }
  end

  def panels(board)
    board.fetch("panels").flat_map { |panel| [panel] + (panel["panels"] || []) }
  end

  def queries(board)
    panels(board).flat_map { |panel| (panel["targets"] || []).map { |target| [panel["title"], target["expr"]] } }
  end

  def variables(board)
    board.dig("templating", "list")
  end
end

class TheirForm < Minitest::Test
  TYPES = %w[row stat timeseries table bargauge state-timeline].freeze
  UNITS = %w[short s bytes Bps ops reqps percentunit].freeze

  def test_there_are_two
    assert_equal %w[promfetch-apps.json promfetch-operators.json], Boards.all.keys
    uids = Boards.all.values.map { |board| board["uid"] }
    assert_equal uids.uniq, uids
  end

  def test_head
    Boards.all.each do |name, board|
      assert_match(/\A[a-zA-Z0-9_-]{1,40}\z/, board["uid"], name)
      assert_kind_of Integer, board["schemaVersion"]
      assert board["title"].size > 3 && board["description"].size > 20
      # An id belongs to one Grafana, an input asks whoever provisions it.
      refute board.key?("id") || board.key?("__inputs"), name
    end
  end

  def test_panels
    Boards.all.each do |name, board|
      panels = Boards.panels(board)
      ids = panels.map { |panel| panel.fetch("id") }
      assert_equal ids.uniq, ids, name
      panels.each do |panel|
        what = "#{name}: #{panel['title']}"
        assert_includes TYPES, panel["type"], what
        refute_empty panel["title"]
        next if panel["type"] == "row"

        assert_equal({ "type" => "prometheus", "uid" => "${datasource}" }, panel["datasource"], what)
        refute_empty panel.fetch("targets"), what
        references = panel["targets"].map { |target| target.fetch("refId") }
        assert_equal references.uniq, references, what
        panel["targets"].each { |target| assert_equal panel["datasource"], target["datasource"], what }
        assert_includes UNITS, panel.dig("fieldConfig", "defaults", "unit"), what
        assert_nil panel.dig("fieldConfig", "defaults", "thresholds", "steps", 0, "value"), what
      end
    end
  end

  def test_panels_lie_beside_each_other
    Boards.all.each do |name, board|
      taken = {}
      board["panels"].each do |panel|
        x, y, width, height = panel.fetch("gridPos").values_at("x", "y", "w", "h")
        assert x >= 0 && x + width <= 24 && height.positive?, "#{name}: #{panel['title']}"
        (x...x + width).to_a.product((y...y + height).to_a).each do |place|
          refute taken[place], "#{name}: #{panel['title']} lies on #{taken[place]}"
          taken[place] = panel["title"]
        end
      end
    end
  end

  def test_variables
    Boards.all.each do |name, board|
      variables = Boards.variables(board)
      assert_equal %w[datasource prometheus], variables.first.values_at("type", "query"), name
      names = variables.map { |variable| variable.fetch("name") }
      text = JSON.generate(board)
      used = text.scan(/\$\{?([a-z]\w*)\}?/).flatten.uniq
      assert_empty used - names, name
      assert_empty names - used, name
      # What a variable's own query asks for stands before it.
      variables.each_with_index do |variable, at|
        asked = variable.fetch("definition", "").scan(/\$(\w+)/).flatten
        assert_empty asked - names.first(at), "#{name}: #{variable['name']}"
      end
    end
  end

  def test_queries_ask_for_what_promfetch_has
    own = File.read(File.join(ROOT, "broker/src/web/doc/own_metrics.md")).scan(/^\| `(\w+)`/).flatten
    others = %w[promfetch_up promfetch_scrape_duration_seconds promfetch_scrape_samples promfetch_scrape_body_bytes promfetcher_scrape_error]
    Boards.all.each_value do |board|
      Boards.queries(board).each do |title, expression|
        names = expression.gsub(/\{[^}]*\}/, "").scan(/\bpromfetch\w+/).map { |one| one.delete_suffix("_bucket") }
        assert_empty names - own - others, title
      end
    end
  end

  # So that no metric is forgotten when one is added.
  def test_operators_see_all_own_metrics_or_there_is_a_reason
    own = File.read(File.join(ROOT, "broker/src/web/doc/own_metrics.md")).scan(/^\| `(\w+)`/).flatten
    left_out = %w[
      promfetch_call_last_duration_seconds promfetch_calls_in_flight promfetch_fetched_samples_total promfetch_latest_time_scrape_route
    ] # the histogram, running fetches, the apps' board and the age of messages say the same, better
    text = Boards.all.values.flat_map { |board| Boards.queries(board).map(&:last) }.join("\n")
    assert_equal left_out, own.reject { |name| text.match?(/\b#{name}(_bucket)?\b/) }
  end
end

# One demo and one Prometheus for all queries.
module Scraped
  module_function

  def url
    @url ||= begin
      folder = Dir.mktmpdir("promfetch-dashboards")
      at_exit { FileUtils.remove_entry(folder) }
      demo = demo(folder)
      prometheus(folder, demo)
    end
  end

  def demo(folder)
    log = File.join(folder, "demo.log")
    Running.start(log, Running.promfetch, "demo", "--port", "0", "--health-port", "0")
    Running.eventually("the demo says its address") { File.read(log)[%r{^api: http://(\S+)}, 1] }
  end

  # The shipped jobs, with the demo's address; quicker, and with a time-out that is shorter than for ever.
  def prometheus(folder, demo)
    own = job(File.join(ROOT, "manifests/prometheus/own-metrics.yml"))
          .slice("job_name").merge("static_configs" => [{ "targets" => [demo] }])
    apps = { "job_name" => "cf-apps", "honor_labels" => true,
             "http_sd_configs" => [{ "url" => "http://#{demo}/v1/sd", "refresh_interval" => "5s" }],
             "relabel_configs" => [{ "action" => "labelmap", "regex" => "__meta_promfetch_((?:organization|space|app)_(?:name|id))" }] }
    shipped = File.join(ROOT, "manifests/prometheus/merged.yml")
    apps = job(shipped).merge(apps.slice("http_sd_configs")) if File.exist?(shipped)
    config = { "global" => { "scrape_interval" => "2s", "scrape_timeout" => "2s", "evaluation_interval" => "1s" },
               "rule_files" => Dir[File.join(RULES, "*.yml")], "scrape_configs" => [own, apps] }
    file = File.join(folder, "prometheus.yml")
    File.write(file, YAML.dump(config))
    port = Running.free_port
    Running.start(File.join(folder, "prometheus.log"), "prometheus", "--config.file=#{file}", "--storage.tsdb.path=#{folder}/data",
                  "--web.listen-address=127.0.0.1:#{port}", "--log.level=warn")
    address = "http://127.0.0.1:#{port}"
    Running.eventually("Prometheus is ready") { Running.get("#{address}/-/ready").code == "200" }
    address
  end

  def job(file)
    YAML.load_file(file).fetch("scrape_configs").first
  end

  def ask(path, **parameters)
    answer = Running.get("#{url}/api/v1/#{path}?#{URI.encode_www_form(parameters)}")
    body = JSON.parse(answer.body)
    raise "#{parameters}: #{body['error']}" unless body["status"] == "success"

    body["data"]
  end
end

class TheirQueries < Minitest::Test
  # As Grafana writes them in: "All" of a variable is `.*` here, and intervals are those of a short time.
  def written(expression, board)
    text = expression.gsub("$__rate_interval", "30s").gsub("$__interval", "2s").gsub("$__range", "1m")
    Boards.variables(board).each { |variable| text = text.gsub(/\$#{variable['name']}\b/, ".*") }
    text
  end

  def test_every_query_has_an_answer
    asked = 0
    Boards.all.each do |name, board|
      Boards.queries(board).each do |title, expression|
        query = written(expression, board)
        Running.eventually("#{name}: #{title}: an answer to #{query}", seconds: 90) do
          now = Time.now.to_i
          points = Scraped.ask("query_range", query: query, start: now - 30, end: now, step: 5)["result"]
          points.any? && Scraped.ask("query", query: query)["result"].any?
        end
        asked += 1
      end
    end
    assert_operator asked, :>, 60
  end

  # `label_values(series, label)` is Grafana's own.
  def test_every_variable_has_values
    Boards.all.each do |name, board|
      Boards.variables(board).select { |one| one["type"] == "query" }.each do |variable|
        series, label = variable.fetch("definition").match(/\Alabel_values\((.*), (\w+)\)\z/).captures
        values = Running.eventually("#{name}: values of #{variable['name']}") do
          found = Scraped.ask("label/#{label}/values", "match[]": written(series, board))
          found if found.any?
        end
        refute_includes values, ""
      end
    end
  end

  def test_one_app_is_shown_alone
    board = Boards.all.fetch("promfetch-apps.json")
    up = Boards.queries(board).find { |title, _| title == "Instances" }.last
    { "hello" => "3", "flaky" => "4", ".*" => "7" }.each do |app, instances|
      query = written(up.gsub("$app", app), board)
      Running.eventually("#{app} with #{instances} instances") do
        Scraped.ask("query", query: query)["result"].map { |one| one["value"][1] } == [instances]
      end
    end
  end

  # The texts of alerts are templates with queries of their own; here they are made by Prometheus itself.
  def test_alerts_say_the_reason
    found = Running.eventually("the alerts of flaky") do
      alerts = Scraped.ask("alerts")["alerts"]
      down = alerts.select { |alert| alert["labels"].values_at("alertname", "app_name") == %w[AppInstanceDown flaky] }
      reasons = down.map { |alert| alert.dig("annotations", "description")[/\AReason: (\w+)\./, 1] }
      alerts if reasons.sort == %w[parse timeout]
    end
    found.each { |alert| alert["annotations"].each_value { |text| refute_match(/error expanding|<no value>/, text) } }
  end
end

# The rules and alerts of manifests/prometheus/rules: promtool takes them and passes their unit tests, every alert is
# tested in both directions and says what to do, and asks only for metrics that promfetch has.
#
#     ruby tests/bosh/alerts.rb

require "minitest/autorun"
require "open3"
require "yaml"

ROOT = File.expand_path("../..", __dir__)
RULES = File.join(ROOT, "manifests/prometheus/rules")

class Alerts < Minitest::Test
  # On every page with health series; the list of own metrics has them not.
  OF_PAGES = %w[
    promfetch_up promfetch_scrape_duration_seconds promfetch_scrape_samples promfetch_scrape_body_bytes
    promfetcher_scrape_error
  ].freeze

  def rules
    @rules ||= Dir[File.join(RULES, "*.yml")].sort.flat_map do |file|
      YAML.load_file(file).fetch("groups").flat_map { |group| group.fetch("rules") }
    end
  end

  def alerts
    rules.select { |rule| rule["alert"] }
  end

  def unit_tests
    Dir[File.join(RULES, "tests/*.test.yml")].sort
  end

  def own_metrics
    File.read(File.join(ROOT, "broker/src/web/doc/own_metrics.md")).scan(/^\| `(\w+)`/).flatten
  end

  # Text goes to promtool as it is; no shell in between.
  def promtool(*arguments)
    output, status = Open3.capture2e("promtool", *arguments)
    assert status.success?, output
    output
  end

  def test_promtool_takes_the_rules
    promtool("check", "rules", *Dir[File.join(RULES, "*.yml")])
  end

  def test_the_unit_tests_pass
    assert_operator unit_tests.size, :>=, 2
    promtool("test", "rules", *unit_tests)
  end

  def test_every_alert_is_seen_firing_and_silent
    text = unit_tests.map { |file| File.read(file) }.join
    alerts.each do |alert|
      name = alert.fetch("alert")
      # Silent: where all is well no alert fires, whichever it is; that test must have this alert's metric.
      fires = text.match?(/alertname[:=] ?"?#{name}\b.*value: \d/) || text.match?(/alertname: #{name}\n\s+eval_time: \S+\n\s+exp_alerts:\n/) ||
              text.match?(/alertname="#{name}"[^\n]*\n\s+eval_time: \S+\n\s+exp_samples: \[\{/)
      assert fires, "no unit test makes #{name} fire"
    end
    well = unit_tests.flat_map { |file| YAML.load_file(file).fetch("tests") }.select { |one| one.fetch("name") == "all is well" }
    heard = well.flat_map { |one| one.fetch("input_series").map { |series| series.fetch("series")[/\A\w+/] } }
    asked = alerts.flat_map { |alert| metrics(alert.fetch("expr")) }.reject { |name| name.start_with?("promfetch_limit") && !name.end_with?("ratio") }
    assert_empty asked.uniq - heard, "“all is well” has nothing of these metrics"
  end

  def test_every_alert_says_what_to_do
    names = alerts.map { |alert| alert.fetch("alert") }
    assert_equal names.uniq, names
    alerts.each do |alert|
      name = alert.fetch("alert")
      assert_includes %w[critical warning info], alert.dig("labels", "severity"), name
      summary, description = alert.fetch("annotations").values_at("summary", "description")
      assert summary.to_s.size.between?(20, 160), "#{name}: #{summary}"
      assert description.to_s.size > 80, "#{name}: #{description}"
      refute_includes summary, "\n", name
    end
  end

  def test_every_threshold_is_explained
    explained = File.read(File.join(RULES, "README.md"))
    alerts.each { |alert| assert_match(/^\|[^|]*\b#{alert.fetch('alert')}\b[^|]*\|[^|]+\|[^|]+\|$/, explained) }
  end

  def test_every_metric_is_one_that_promfetch_has
    recorded = rules.filter_map { |rule| rule["record"] }
    known = own_metrics + OF_PAGES + recorded + ["up"]
    rules.each do |rule|
      used = metrics(rule.fetch("expr"))
      refute_empty used
      assert_empty used - known, rule.values.first
    end
  end

  def test_every_recorded_series_is_tested
    text = unit_tests.map { |file| File.read(file) }.join
    rules.filter_map { |rule| rule["record"] }.each { |name| assert_includes text, name }
  end

  private

  # Names of metrics in an expression; of recorded ones those that they are made of.
  def metrics(expression)
    bare = expression.gsub(/\{[^}]*\}/, "").gsub(/\b(by|on|ignoring|group_left|without) *\([^)]*\)/, "")
    names = bare.scan(/\b(?:up|promfetch\w*:\w+:\w+|app:\w+:\w+|promfetch\w*|promfetcher\w*)\b/).uniq
    recorded = rules.select { |rule| rule["record"]&.include?(":") }.to_h { |rule| [rule["record"], rule["expr"]] }
    names.flat_map { |name| recorded[name] ? metrics(recorded[name]) : [name] }.uniq
  end
end

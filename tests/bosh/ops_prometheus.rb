# manifests/prometheus/boshrelease: the ops file applies, Prometheus takes the jobs that it adds, and what they name is
# what the release has.
#
#     ruby tests/bosh/ops_prometheus.rb

require "minitest/autorun"
require "open3"
require "tmpdir"
require "yaml"
require_relative "support/combinations"

class OpsPrometheus < Minitest::Test
  FILE = File.join(ROOT, "manifests/prometheus/boshrelease/monitor-promfetch.yml")

  def manifest
    @manifest ||= OpsFile.apply(YAML.load_file(File.join(FIXTURES, "prometheus.yml")), OpsFile.load(FILE))
  end

  def group(name)
    manifest["instance_groups"].find { |one| one["name"] == name }
  end

  def job(group, name)
    group(group)["jobs"].find { |one| one["name"] == name }
  end

  def test_jobs_and_release
    assert_equal "promfetch", job("prometheus2", "promfetch_alerts")["release"]
    assert_equal "promfetch", job("grafana", "promfetch_dashboards")["release"]
    assert_includes manifest["releases"].map { |release| release["name"] }, "promfetch"
    %w[promfetch_alerts promfetch_dashboards].each { |name| assert File.exist?(File.join(ROOT, "bosh/jobs", name, "spec")) }
  end

  def test_the_files_are_where_they_are_looked_for
    rules = job("prometheus2", "prometheus2").dig("properties", "prometheus", "rule_files").grep(/promfetch/)
    boards = job("grafana", "grafana").dig("properties", "grafana", "prometheus", "dashboard_folders").find { |folder| folder["name"] == "promfetch" }
    { "promfetch_alerts" => [rules, "manifests/prometheus/rules/*.yml"], "promfetch_dashboards" => [boards["files"], "manifests/grafana/*.json"] }
      .each do |name, (globs, sources)|
      templates = YAML.load_file(File.join(ROOT, "bosh/jobs", name, "spec")).fetch("templates")
      assert_equal Dir[File.join(ROOT, sources)].map { |file| File.basename(file) }.sort, templates.keys.sort
      templates.each_value { |path| assert(globs.any? { |glob| File.fnmatch?(glob, "/var/vcap/jobs/#{name}/#{path}") }, path) }
    end
  end

  def test_prometheus_takes_the_jobs
    configs = job("prometheus2", "prometheus2").dig("properties", "prometheus", "scrape_configs")
    text = YAML.dump({ "scrape_configs" => configs })
    variables = text.scan(/\(\((\w+)\)\)/).flatten.uniq.sort
    assert_equal %w[promfetch_ca promfetch_operator_password promfetch_port promfetch_server_name promfetch_url skip_ssl_verify], variables
    explained = File.read(FILE)
    variables.each { |name| assert_match(/^#.*\b#{name}\b/, explained) }
    text = text.gsub("((promfetch_url))", "https://promfetch.example.org").gsub("((promfetch_port))", "8085").gsub(/"?\(\(skip_ssl_verify\)\)"?/, "false")
    Dir.mktmpdir do |folder|
      # Debian's Prometheus is older than `ca`.
      File.write(File.join(folder, "ca.pem"), "")
      File.write(File.join(folder, "prometheus.yml"), text.gsub(/ca: "?\(\(promfetch_ca\)\)"?/, "ca_file: ca.pem"))
      output, status = Open3.capture2e("promtool", "check", "config", "--syntax-only", File.join(folder, "prometheus.yml"))
      assert status.success?, output
    end
  end

  def test_rules_ask_for_these_jobs
    names = job("prometheus2", "prometheus2").dig("properties", "prometheus", "scrape_configs").map { |config| config["job_name"] }
    asked = Dir[File.join(ROOT, "manifests/prometheus/rules/*.yml")].flat_map { |file| File.read(file).scan(/job="(\w+)"/).flatten }.uniq
    refute_empty asked
    assert_empty asked - names
  end
end

# What the pages on deployment say is there: links lead somewhere, properties are those of the release, files of tables exist,
# and no property of promfetcher-release is forgotten.
#
#     ruby tests/bosh/deploy_docs.rb

require "minitest/autorun"
require "yaml"

ROOT = File.expand_path("../..", __dir__)

class DeployDocs < Minitest::Test
  PAGES = (%w[README.md docs/deploy.md docs/from-promfetcher.md] + Dir.chdir(ROOT) { Dir["manifests/**/README.md"] }).freeze

  def text(page)
    File.read(File.join(ROOT, page), encoding: "UTF-8")
  end

  def specs
    @specs ||= Dir[File.join(ROOT, "bosh/jobs/*/spec")].map { |file| YAML.load_file(file) }
  end

  def properties
    specs.flat_map { |spec| (spec["properties"] || {}).keys }.uniq
  end

  def test_links_lead_somewhere
    PAGES.each do |page|
      text(page).scan(/\]\(([^)\s]+)\)/).flatten.each do |target|
        next if target.match?(/\Ahttps?:/)

        file, anchor = target.split("#", 2)
        path = file.empty? ? File.join(ROOT, page) : File.expand_path(file, File.join(ROOT, File.dirname(page)))
        assert File.exist?(path), "#{page}: #{target}"
        next unless anchor

        anchors = File.read(path, encoding: "UTF-8").scan(/^#+ (.*)$/).flatten.map { |title| title.downcase.gsub(/[^\w\s-]/, "").tr(" ", "-") }
        assert_includes anchors, anchor, "#{page}: #{target}"
      end
    end
  end

  # The second column of the tables is the new home.
  def test_new_homes_exist
    rows = text("docs/from-promfetcher.md").scan(/^\| ?(.*?) ?\| (.*?) \|/)
    named = rows.flat_map { |_, home| home.scan(/`([a-z_]+(?:\.[a-z_]+)*)(?: ?: \w+)?`/).flatten }.uniq
    assert_operator named.size, :>, 30
    known = properties + specs.map { |spec| spec["name"] } + %w[cf-cli-8-linux]
    named.reject { |name| name.include?("-") }.each { |name| assert_includes known, name }
  end

  def test_every_old_name_that_is_understood_is_in_the_table
    page = text("docs/from-promfetcher.md")
    properties.grep(/\Apromfetcher\./).each { |name| assert_includes page, "`#{name}`" }
  end

  # What promfetcher-release's jobs have in their specs, of all its versions.
  OLD = %w[
    port health_check_port base_url broker.enable broker.username broker.password broker.service_id broker.plan_id skip_ssl_validation
    enable_ssl max_idle_connections disable_keep_alives idle_conn_timeout database.user database.password database.host database.name
    database.port database.cnx.max_open database.cnx.max_idle database.cnx.max_life log_level tls_pem.private_key tls_pem.cert_chain ca_certs
    backends.cert_chain backends.private_key backends.max_conns droplet_stale_threshold start_response_delay_interval external_exporters
    gorouters
  ].map { |name| "promfetcher.#{name}" } +
        %w[gorouter_dns nats.user nats.password nats.port nats.machines nats.tls_enabled nats.ca_certs nats.cert_chain nats.private_key
           cf.api_url cf.skip_ssl_validation cf.username cf.password release_level_backup
           promfetcher_alerts.scrape_routes_error.threshold promfetcher_alerts.scrape_routes_error.evaluation_time
           promfetcher_alerts.errors.threshold promfetcher_alerts.errors.evaluation_time].freeze

  def test_no_old_property_is_forgotten
    page = text("docs/from-promfetcher.md")
    OLD.each { |name| assert_match(/^\|[^|]*`#{Regexp.escape(name)}`/, page) }
  end

  # Names of cf-deployment and of Prometheus, and a reason for a missing instance.
  OTHERS = %w[route_registrar nats_password cf_admin_password scrape_timeout honor_labels exported_instance too_large].freeze

  # Metrics, variables of CredHub and keys that the page on deployment names.
  def test_what_the_page_names_exists
    page = text("docs/deploy.md")
    metrics = File.read(File.join(ROOT, "broker/src/web/doc/own_metrics.md")).scan(/^\| `(\w+)`/).flatten +
              %w[promfetch_up promfetch_scrape_duration_seconds promfetch_scrape_samples promfetch_scrape_body_bytes]
    variables = Dir[File.join(ROOT, "manifests/cf/*.yml")].flat_map { |file| File.read(file).scan(/\(\((\w+)/).flatten }
    page.scan(/`(promfetch_\w+)`/).flatten.uniq.each { |name| assert_includes metrics + variables, name }
    keys = properties.flat_map { |name| [name, name.split(".").first] } + %w[max_in_flight]
    page.scan(/`([a-z]+_[a-z_]+(?:\.[a-z_]+)*)`/).flatten.uniq.each do |name|
      next if (metrics + variables).include?(name) || OTHERS.include?(name)

      assert_includes keys, name
    end
  end
end

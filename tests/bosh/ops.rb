# The ops files of manifests/cf, applied strictly to a small manifest that has everything they touch in cf-deployment:
# each alone on promfetch.yml, and in the combinations that the README names.
#
#     ruby tests/bosh/ops.rb

require "minitest/autorun"
require "uri"
require "yaml"
require_relative "support/combinations"

class Ops < Minitest::Test
  # Given by whoever deploys: cf-deployment's, and what vars-example.yml has.
  def given
    @given ||= YAML.load_file(File.join(CF, "vars-example.yml")).keys
  end

  include Combinations

  ALL.each do |names|
    define_method("test_#{names.join('_').tr('/-', '__')}") do
      manifest = Combinations.manifest(names)
      names_are_unique(manifest)
      variables_are_there(manifest)
      none_is_generated_in_vain(manifest)
      releases_are_declared(manifest)
      certificates_have_issuers(manifest)
      properties_exist(manifest)
      links_exist(manifest)
      groups_are_complete(manifest)
    end
  end

  def test_every_file_is_in_a_combination_and_in_the_readme
    files = Dir[File.join(CF, "*.yml")].map { |path| File.basename(path, ".yml") }.sort - ["vars-example"]
    assert_equal files, ALL.flatten.reject { |name| name.start_with?("cf/") }.uniq.sort
    readme = File.read(File.join(CF, "README.md"))
    files.each { |name| assert_match(/^\| \[#{name}\.yml\]\(#{name}\.yml\) \|/, readme) }
  end

  def test_every_file_begins_with_what_it_is_for
    Dir[File.join(CF, "*.yml")].each { |path| assert_match(/\A# \S/, File.read(path), path) }
  end

  # Where a file does not belong, it says so instead of making half a manifest.
  def test_what_cannot_go_together_is_an_error
    [%w[use-postgres], %w[promfetch use-postgres], %w[promfetch enable-backup], %w[open-access], %w[replace-promfetcher],
     %w[promfetch colocate-on-router open-access], %w[promfetch disable-broker disable-broker],
     %w[promfetch replace-promfetcher-route], %w[promfetch disable-broker uaa-clients],
     *%w[isolation-segment colocate-on-router].flat_map { |last| [%w[promfetch cf/use-postgres use-postgres], %w[promfetch cf/use-external-dbs use-external-db], %w[promfetch disable-broker], %w[promfetch replace-promfetcher]].map { |others| others + [last] } }].each do |names|
      assert_raises(OpsFile::Error, names.join(" ")) { Combinations.manifest(names) }
    end
  end

  def test_access_is_protected_unless_it_is_opened
    assert_equal "protected", promfetch(%w[promfetch])["access"]
    assert_equal "open", promfetch(%w[promfetch open-access])["access"]
    assert_equal "audit", promfetch(%w[promfetch audit-access])["access"]
    assert_equal "protected", promfetch(%w[promfetch isolation-segment], "promfetch-isolation-segment")["access"]
    assert_equal "protected", promfetch(%w[promfetch colocate-on-router], "router")["access"]
    %w[open-access audit-access].zip(%w[open audit]).each do |file, mode|
      assert_equal mode, promfetch(["promfetch", file, "route-registrar"])["access"]
    end
  end

  def test_containers_take_the_client_certificate
    manifest = Combinations.manifest(%w[promfetch])
    rep = job(manifest, "diego-cell", "rep").dig("properties", "containers", "proxy")
    name = promfetch(%w[promfetch]).dig("backends", "cert_chain")[/\(\((\w+)\.certificate\)\)/, 1]
    certificate = variable(manifest, name)
    refute_empty certificate.dig("options", "alternative_names") & rep.fetch("verify_subject_alt_name")
    assert_equal ["client_auth"], certificate.dig("options", "extended_key_usage")
    trusted = rep.fetch("trusted_ca_certificates").map { |one| variable(manifest, one[/\(\((\w+)\.ca\)\)/, 1]).dig("options", "ca") }
    assert_includes trusted, certificate.dig("options", "ca")
    # And what containers present has the issuer that routers know.
    routers = job(manifest, "router", "gorouter").dig("properties", "router", "ca_certs")
    assert_includes routers, promfetch(%w[promfetch])["ca_certs"]
  end

  def test_routers_take_the_certificate_of_the_api
    [%w[promfetch route-registrar], %w[promfetch route-registrar replace-promfetcher replace-promfetcher-route]].each do |names|
      manifest = Combinations.manifest(names)
      route = job(manifest, "promfetch", "route_registrar").dig("properties", "route_registrar", "routes", 0)
      properties = promfetch(names)
      certificate = variable(manifest, properties.dig("tls_pem", "cert_chain")[/\w+/])
      assert_includes certificate.dig("options", "alternative_names"), route.fetch("server_cert_domain_san")
      assert_equal properties.fetch("port"), route.fetch("tls_port")
      issuers = job(manifest, "router", "gorouter").dig("properties", "router", "ca_certs")
                                                   .map { |one| variable(manifest, one[/\w+/]).dig("options", "ca") }
      assert_includes issuers, certificate.dig("options", "ca")
      assert_equal route.fetch("uris").first, properties.fetch("base_url").delete_prefix("https://")
    end
  end

  # Whatever the order: the name in the certificate, and the port.
  def test_smoke_tests_go_to_where_promfetch_is
    [%w[promfetch smoke-test-app], %w[promfetch smoke-test-app replace-promfetcher], %w[promfetch replace-promfetcher smoke-test-app]].each do |names|
      manifest = Combinations.manifest(names)
      smoke = job(manifest, "promfetch", "promfetch-smoke-tests").fetch("properties")
      properties = promfetch(names)
      uri = URI(smoke.fetch("urls").first.sub("((system_domain))", "system-domain"))
      assert_equal properties.fetch("port"), uri.port
      certificate = variable(manifest, properties.dig("tls_pem", "cert_chain")[/\w+/])
      names = certificate.dig("options", "alternative_names").map { |name| name.sub("((system_domain))", "system-domain") }
      assert(names.any? { |name| File.fnmatch(name, uri.host) }, uri.host)
      assert_equal "((#{certificate['name']}.ca))", smoke["ca_cert"]
      assert_equal ["((promfetch_smoke_test_app))", "prometheus"], [smoke["app"], smoke.dig("login", "user")]
    end
  end

  def test_ports_of_the_routers_are_left_to_them
    manifest = Combinations.manifest(%w[promfetch colocate-on-router])
    properties = promfetch(%w[promfetch colocate-on-router], "router")
    routers = [80, 443, 8080, 8082, job(manifest, "router", "gorouter").dig("properties", "router", "status", "tls", "port")]
    assert_empty routers & properties.values_at("port", "health_check_port")
    assert_equal [{ "host" => "127.0.0.1", "port" => 8082, "user" => "router-status", "pass" => "((router_status_password))" }],
                 properties["gorouters"]
    refute properties.key?("nats")
    assert_equal({ "nats-tls" => "nil", "nats" => "nil", "database" => "nil" }, job(manifest, "router", "promfetch")["consumes"].transform_values { |link| link || "nil" })
  end

  def test_promfetcher_is_replaced_without_a_trace_and_keeps_what_others_know
    manifest = Combinations.manifest(%w[cf/promfetcher promfetch replace-promfetcher])
    refute_includes manifest["instance_groups"].map { |group| group["name"] }, "promfetcher"
    refute_includes manifest["releases"].map { |release| release["name"] }, "promfetcher"
    group = manifest["instance_groups"].find { |one| one["name"] == "promfetch" }
    assert_equal [{ "name" => "promfetcher" }], group["migrated_from"]
    properties = promfetch(%w[cf/promfetcher promfetch replace-promfetcher])
    assert_equal "open", properties["access"]
    assert_equal 443, properties["port"]
    assert_equal "https://promfetcher.((system_domain))", properties["base_url"]
    assert_equal({ "broker_service_id" => "e44a55b7-b532-4247-89f3-4ea92054b793",
                   "broker_plan_id" => "3294e4fa-42b3-4505-b289-8fb3695b5b3a", "service_name" => "promfetcher" },
                 properties["broker"].slice("broker_service_id", "broker_plan_id", "service_name"))
    seeded = job(manifest, "database", "pxc-mysql").dig("properties", "seeded_databases")
    ours = seeded.select { |one| one["name"].start_with?("promfetch") }
    assert_equal [{ "name" => "promfetcher", "username" => "promfetcher", "password" => "((promfetcher_mysql_password))" }], ours
    assert_equal ours.first.values, properties["db"].values_at("name", "user", "password")
    # With promfetcher's file or without it is the same.
    assert_equal Combinations.manifest(%w[promfetch replace-promfetcher])["instance_groups"].last, manifest["instance_groups"].last
  end

  # What docs/access.md asks of the client; UAA sends browsers nowhere but to these addresses.
  def test_people_can_sign_in_with_the_platforms_login
    [%w[promfetch uaa-clients], %w[promfetch replace-promfetcher uaa-clients], %w[promfetch uaa-clients disable-broker]].each do |names|
      manifest = Combinations.manifest(names)
      properties = promfetch(names)
      client = job(manifest, "uaa", "uaa").dig("properties", "uaa", "clients").fetch(properties.dig("uaa", "client_id"))
      assert_includes client["redirect-uri"].split(","), "#{properties['base_url']}/sign-in/callback"
      assert_equal ["authorization_code", "openid,cloud_controller.read", "uaa.none", properties.dig("uaa", "client_secret")],
                   client.values_at("authorized-grant-types", "scope", "authorities", "secret")
      assert_equal "https://login.((system_domain))", properties.dig("uaa", "login_url")
      assert_equal "((promfetch_secret_key))", properties.dig("broker", "secret_key"), "all processes know each other's sessions"
    end
  end

  def test_without_broker_there_is_nothing_of_it
    [%w[promfetch disable-broker], %w[promfetch uaa-clients disable-broker], %w[cf/use-postgres promfetch use-postgres disable-broker]].each do |names|
      text = YAML.dump(Combinations.manifest(names))
      refute_match(/promfetch_(database|broker)_password|broker-registrar/, text)
      databases = text.scan(/name: promfetch$/).size
      # The release and the instance group, the job in it.
      assert_equal 3, databases, names.join(" ")
    end
  end

  def test_postgres_is_the_same_from_both_sides
    first = Combinations.manifest(%w[promfetch cf/use-postgres use-postgres])
    last = Combinations.manifest(%w[cf/use-postgres promfetch use-postgres])
    assert_equal first["instance_groups"].sort_by { |group| group["name"] }, last["instance_groups"].sort_by { |group| group["name"] }
    refute_includes YAML.dump(last), "mysql_server_certificate"
    refute_includes YAML.dump(last["instance_groups"].find { |group| group["name"] == "database" }), "pxc"
  end

  private

  def promfetch(names, group = "promfetch")
    job(Combinations.manifest(names), group, "promfetch").fetch("properties")
  end

  def job(manifest, group, name)
    manifest["instance_groups"].find { |one| one["name"] == group }["jobs"].find { |one| one["name"] == name }
  end

  def variable(manifest, name)
    manifest["variables"].find { |one| one["name"] == name } or flunk "no variable #{name}"
  end

  def names_are_unique(manifest)
    { "instance_groups" => manifest["instance_groups"], "releases" => manifest["releases"], "variables" => manifest["variables"] }
      .merge(manifest["instance_groups"].to_h { |group| ["jobs of #{group['name']}", group["jobs"]] }).each do |what, list|
      names = list.map { |one| one["name"] }
      assert_equal names.uniq, names, what
    end
  end

  # A bare password, or the part of a certificate: the rest BOSH could not fill in.
  def variables_are_there(manifest)
    types = manifest["variables"].to_h { |one| [one["name"], one["type"]] }
    used(manifest).each do |reference|
      name, part = reference.split(".", 2)
      next if part.nil? && given.include?(name)

      assert types.key?(name), "((#{reference})) is defined nowhere"
      # cf-deployment itself hands whole certificates to some jobs.
      parts = types[name] == "certificate" ? [nil, "ca", "certificate", "private_key"] : [nil]
      assert_includes parts, part, "((#{reference})) of type #{types[name]}"
    end
  end

  def none_is_generated_in_vain(manifest)
    references = used(manifest).map { |reference| reference.split(".").first }
    ours = manifest["variables"].select { |one| one["name"].include?("promfetch") }.map { |one| one["name"] }
    # promfetch's own certificate stays while promfetcher's stands in for it.
    assert_empty ours - references - ["promfetch_tls"]
  end

  def used(value)
    case value
    when Hash then value.flat_map { |_, inner| used(inner) }
    when Array then value.flat_map { |inner| used(inner) }
    when String then value.scan(/\(\(!?([^()]+)\)\)/).flatten
    else []
    end.uniq
  end

  def releases_are_declared(manifest)
    declared = manifest["releases"].map { |release| release["name"] }
    (manifest["instance_groups"] + manifest["addons"]).each do |group|
      group["jobs"].each { |one| assert_includes declared, one["release"], "#{group['name']}/#{one['name']}" }
    end
  end

  def certificates_have_issuers(manifest)
    manifest["variables"].select { |one| one["type"] == "certificate" }.each do |certificate|
      options = certificate.fetch("options")
      next if options["is_ca"] && !options["ca"]

      issuer = variable(manifest, options.fetch("ca"))
      assert issuer.dig("options", "is_ca"), "#{certificate['name']}: #{issuer['name']} is no authority"
    end
  end

  def specs
    @specs ||= Dir[File.join(ROOT, "bosh/jobs/*/spec")].to_h { |path| [File.basename(File.dirname(path)), YAML.load_file(path)] }
  end

  def of_promfetch(manifest)
    manifest["instance_groups"].flat_map { |group| group["jobs"] }.select { |one| one["release"] == "promfetch" }
  end

  # Every property of a job is one of its spec, or inside of one whose value is a map or a list.
  def properties_exist(manifest)
    refute_empty of_promfetch(manifest)
    of_promfetch(manifest).each do |one|
      spec = specs.fetch(one["name"]) { flunk "the release has no job #{one['name']}" }
      known = (spec["properties"] || {}).keys
      leaves(one["properties"] || {}).each do |path|
        inside = path.each_index.any? { |at| known.include?(path[0..at].join(".")) }
        assert inside, "#{one['name']} has no property #{path.join('.')}"
      end
    end
  end

  def leaves(value, path = [])
    return path.empty? ? [] : [path] unless value.is_a?(Hash) && !value.empty?

    value.flat_map { |key, inner| leaves(inner, path + [key]) }
  end

  def links_exist(manifest)
    of_promfetch(manifest).each do |one|
      spec = specs.fetch(one["name"])
      %w[consumes provides].each do |direction|
        known = (spec[direction] || []).map { |link| link["name"] }
        assert_empty (one[direction] || {}).keys - known, "#{one['name']} #{direction}"
      end
      (one["consumes"] || {}).each_value do |link|
        next unless link.is_a?(Hash)

        provided = manifest["instance_groups"].flat_map { |group| group["jobs"] }.flat_map do |other|
          ((other["provides"] || {}).map { |name, as| as.is_a?(Hash) ? as["as"] || name : nil }) +
            (specs.dig(other["name"], "provides") || []).map { |own| own["name"] }
        end
        assert_includes provided, link.fetch("from"), one["name"]
      end
    end
  end

  def groups_are_complete(manifest)
    stemcells = manifest["stemcells"].map { |stemcell| stemcell["alias"] }
    manifest["instance_groups"].select { |group| group["name"].start_with?("promfetch") }.each do |group|
      %w[azs instances jobs vm_type networks].each { |key| refute_nil group[key], "#{group['name']}: #{key}" }
      assert_includes stemcells, group["stemcell"]
    end
  end
end

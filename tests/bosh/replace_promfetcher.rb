# manifests/cf/replace-promfetcher.yml at work: the job, rendered with what the ops files give it, on a database as promfetcher
# leaves it (MariaDB with TLS, its table, its rows), a nats-server with TLS, and instances that ask for the routers'
# certificate. Only addresses and ports are this machine's.
#
#     PROMFETCH=target/debug/promfetch ruby tests/bosh/replace_promfetcher.rb

require_relative "harness/machine"
require_relative "support/combinations"
require_relative "support/credhub"

# A MariaDB that takes no login of promfetcher's without TLS.
class OldDatabase
  attr_reader :port

  def initialize(folder, authority)
    @folder = File.join(folder, "mariadb")
    FileUtils.mkdir_p(@folder)
    @port = Harness.free_port
    @socket = File.join(@folder, "socket")
    certificate, key = authority.issue("127.0.0.1")
    { "ca" => authority.pem, "cert" => certificate, "key" => key }.each { |name, text| File.write(File.join(@folder, name), text) }
    File.write(File.join(@folder, "init.sql"), <<~SQL.tr("\n", " ").gsub("; ", ";\n"))
      CREATE DATABASE promfetcher;
      CREATE USER 'promfetcher'@'%' IDENTIFIED BY '#{Credhub::PASSWORD}' REQUIRE SSL;
      GRANT ALL ON promfetcher.* TO 'promfetcher'@'%';
    SQL
    data = ["--no-defaults", "--datadir=#{@folder}/data", "--tmpdir=#{@folder}"]
    _out, err, status = Harness.run(program("mariadb-install-db"), *data, "--auth-root-authentication-method=normal", "--skip-test-db", *as_root)
    raise err unless status.success?

    @pid = Process.spawn(program("mariadbd"), *data, "--socket=#{@socket}", "--port=#{@port}", "--bind-address=127.0.0.1", "--pid-file=#{@folder}/pid",
                         "--init-file=#{@folder}/init.sql", "--skip-name-resolve", "--innodb-buffer-pool-size=16M", "--ssl-ca=#{@folder}/ca",
                         "--ssl-cert=#{@folder}/cert", "--ssl-key=#{@folder}/key", *as_root, %i[out err] => File.join(@folder, "log"))
    Harness.eventually("MariaDB answers") { sql("SHOW DATABASES LIKE 'promfetcher'", "").first }
  end

  # Rows, a line each, tabs between columns; none where it failed.
  def sql(text, database = "promfetcher")
    out, = Harness.run(program("mariadb"), "--no-defaults", "--socket=#{@socket}", "--user=root", "--batch", "--skip-column-names", database, input: text)
    out.lines.map(&:chomp)
  end

  def stop
    Process.kill("KILL", @pid)
    Process.wait(@pid)
  end

  private

  def program(name)
    (ENV["PATH"].split(":") + %w[/usr/sbin /sbin]).map { |folder| File.join(folder, name) }.find { |file| File.executable?(file) } or raise "#{name} is not installed"
  end

  def as_root
    Process.uid.zero? ? ["--user=root"] : []
  end
end

class ReplacePromfetcher < Minitest::Test
  include Harness::Machine

  APP = "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42".freeze
  OTHER = "8c2e71d5-3f96-4b08-a7d4-6b19e0c85a43".freeze
  ROWS = "SELECT guid, app_guid, endpoint FROM app_endpoints ORDER BY guid".freeze
  LOGIN = { user: "promfetcher-broker", password: Credhub::PASSWORD }.freeze

  def setup
    super
    @database_authority = Harness::Authority.new("database")
    @database = OldDatabase.new(@root, @database_authority)
    # As gorm made it, with one binding.
    @database.sql("CREATE TABLE app_endpoints (guid varchar(255), app_guid varchar(255), endpoint varchar(255), PRIMARY KEY (guid));
                   INSERT INTO app_endpoints VALUES ('old-binding', '#{APP}', '/actuator/prometheus');")
  end

  def teardown
    @database.stop
    super
  end

  # The properties of the manifest; what is this machine's is in `more`.
  def from_manifest
    nats, nats_key = @nats_authority.issue("nats_client")
    cells, cells_key = @authority.issue("gorouter.service.cf.internal")
    routers = Harness::Authority.new("routerCA")
    api, api_key = routers.issue("promfetcher.sys.example.org")
    certain = {
      "nats_client_cert" => { "certificate" => nats, "private_key" => nats_key },
      "promfetch_backend_tls" => { "certificate" => cells, "private_key" => cells_key },
      "diego_instance_identity_ca" => { "ca" => @authority.pem },
      "mysql_server_certificate" => { "ca" => @database_authority.pem },
      "router_ssl" => { "certificate" => api, "private_key" => api_key, "ca" => routers.pem }
    }
    manifest = Combinations.manifest(%w[cf/promfetcher promfetch replace-promfetcher])
    manifest["variables"].reject! { |variable| certain.key?(variable["name"]) }
    # Parts that the small manifest's other jobs ask for are of no interest here.
    jobs = manifest["instance_groups"].find { |group| group["name"] == "promfetch" }["jobs"]
    Credhub.filled_in({ "variables" => manifest["variables"], "jobs" => jobs }, certain)["jobs"].find { |job| job["name"] == "promfetch" }["properties"]
  end

  def properties(*)
    @api ||= Harness.free_port
    @health ||= Harness.free_port
    from_manifest.merge("port" => @api, "health_check_port" => @health, "db.host" => "127.0.0.1", "db.port" => @database.port,
                        "start_response_delay_interval" => "500ms", "targets_allow" => ["127.0.0.0/8"])
  end

  # The manifest has HTTPS.
  def get(path, user: nil, password: nil, **)
    super(path, user: user, password: password, tls: true)
  end

  def broker(method, path, body = nil)
    request = Net::HTTP.const_get(method).new("/broker/v2/#{path}", "X-Broker-API-Version" => "2.17", "Content-Type" => "application/json")
    request.basic_auth(*LOGIN.values)
    request.body = JSON.generate(body) if body
    Net::HTTP.start("127.0.0.1", @api, nil, use_ssl: true, verify_mode: OpenSSL::SSL::VERIFY_NONE) { |http| http.request(request) }
  end

  def ids
    { "service_id" => "e44a55b7-b532-4247-89f3-4ea92054b793", "plan_id" => "3294e4fa-42b3-4505-b289-8fb3695b5b3a" }
  end

  def test_it_takes_over_and_keeps_the_way_back
    install
    _out, err, status = script("pre-start")
    assert_predicate status, :success?, err
    started

    it_serves_openly_with_what_was_bound
    the_marketplace_is_the_same
    what_the_old_one_binds_counts
    what_is_bound_here_is_in_the_old_table
  end

  private

  def it_serves_openly_with_what_was_bound
    assert_equal "200", get(PAGE).code
    assert_equal ["/actuator/prometheus"], paths
  end

  def paths
    JSON.parse(get("/v1/apps/#{APP}/instances").body).fetch("instances").map { |instance| instance.fetch("path") }.uniq
  end

  def the_marketplace_is_the_same
    catalog = JSON.parse(broker("Get", "catalog").body)
    service = catalog.fetch("services").first
    assert_equal ["promfetcher", ids["service_id"]], service.values_at("name", "id")
    assert_equal [ids["plan_id"]], service["plans"].map { |plan| plan["id"] }
  end

  # While both run, during the deployment.
  def what_the_old_one_binds_counts
    @database.sql("INSERT INTO app_endpoints VALUES ('bound-by-the-old-one', '#{OTHER}', '/stats');")
    Harness.eventually("the new row is adopted") do
      out, = Harness.run(File.join(@root, "jobs/promfetch/bin/run"), "bindings")
      out.include?("/stats") && out.include?("/actuator/prometheus")
    end
  end

  # A service instance that only the Cloud Controller knows, as promfetcher stored none.
  def what_is_bound_here_is_in_the_old_table
    bound = broker("Put", "service_instances/of-old/service_bindings/new-binding",
                   ids.merge("app_guid" => APP, "bind_resource" => { "app_guid" => APP }, "parameters" => { "endpoint" => "/new" }))
    assert_equal "201", bound.code, bound.body
    assert_match(%r{\Ahttps://promfetcher\.sys\.example\.org/v1/apps/}, JSON.parse(bound.body).dig("credentials", "metrics_url"))
    Harness.eventually("the page comes from the new path") { paths == ["/new"] }
    assert_includes @database.sql(ROWS), "new-binding\t#{APP}\t/new"

    %w[new-binding old-binding].each do |binding|
      gone = broker("Delete", "service_instances/of-old/service_bindings/#{binding}?#{URI.encode_www_form(ids)}")
      assert_equal "200", gone.code, gone.body
    end
    assert_equal ["bound-by-the-old-one\t#{OTHER}\t/stats"], @database.sql(ROWS)
    assert_equal ["/metrics"], paths
  end
end

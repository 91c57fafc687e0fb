# manifests/cf-push: the manifest is one, and its command, started with its environment in an empty folder as the binary
# buildpack does, serves a fixed target under $PORT, protected, within its memory.
#
#     PROMFETCH=target/debug/promfetch ruby tests/bosh/cf_push.rb

require "json"
require "minitest/autorun"
require "yaml"
require_relative "support/running"

ROOT = File.expand_path("../..", __dir__)
FOLDER = File.join(ROOT, "manifests/cf-push")

class CfPush < Minitest::Test
  LOGIN = "Basic #{['prometheus:open sesame, please'].pack('m0')}".freeze
  # Attributes of an app in the Cloud Controller's manifests that are used here.
  KNOWN = %w[name buildpacks path command memory disk_quota instances health-check-type health-check-http-endpoint timeout routes env].freeze

  def self.given
    YAML.load_file(File.join(FOLDER, "vars-example.yml"))
  end

  # cf fills variables in where they stand in the text of a value.
  def self.app(variables = given)
    fill(YAML.load_file(File.join(FOLDER, "manifest.yml")), variables).fetch("applications").first
  end

  def self.fill(value, variables)
    case value
    when Hash then value.transform_values { |inner| fill(inner, variables) }
    when Array then value.map { |inner| fill(inner, variables) }
    when String then value.gsub(/\(\(([\w-]+)\)\)/) { variables.fetch(Regexp.last_match(1)) }
    else value
    end
  end

  def test_the_manifest
    app = CfPush.app
    assert_empty app.keys - KNOWN
    assert_equal ["binary_buildpack"], app["buildpacks"]
    assert_equal "protected", app.dig("env", "PROMFETCH_ACCESS")
    app["env"].each { |name, value| assert_kind_of String, value, "#{name}: the Cloud Controller takes texts" }
    assert_match(/\A\d+M\z/, app["memory"])
    used = File.read(File.join(FOLDER, "manifest.yml")).scan(/\(\(([\w-]+)\)\)/).flatten.uniq
    assert_equal used.sort, CfPush.given.keys.sort
  end

  def test_the_limits_fit_into_the_memory
    env = CfPush.app["env"]
    sizes = %w[BODY PAGE INFLIGHT].map { |name| Integer(env["PROMFETCH_MAX_#{name}"].delete_suffix("MiB")) }
    assert_equal sizes.sort, sizes
    assert_operator 2 * sizes.last, :<, Integer(CfPush.app["memory"].delete_suffix("M"))
  end

  # Every `PROMFETCH_…` that the folder names is a key of the configuration.
  def test_the_keys_exist
    known = File.read(File.join(ROOT, "docs/configuration.md")).scan(/^\| `([a-z_.]+)(?:\[\]|\.<name>)?[^`]*` \|/).flatten
    known += known.flat_map { |key| key.split(".").each_with_index.map { |_, at| key.split(".")[0..at].join(".") } }
    Dir[File.join(FOLDER, "*")].each do |file|
      File.read(file).scan(/\bPROMFETCH_([A-Z][A-Z_]*[A-Z])\b/).flatten.each do |name|
        assert_includes known, name.downcase.gsub("__", "."), File.basename(file)
      end
    end
  end

  def test_it_serves
    instance = TCPServer.new("127.0.0.1", 0)
    Thread.new { loop { answer(instance.accept) } }
    targets = [{ organization: "acme", space: "prod", app: "shop", index: "0", address: "127.0.0.1:#{instance.addr[1]}" }]
    hash, = Open3.capture2(Running.promfetch, "hash-password", stdin_data: "open sesame, please\n")
    app = CfPush.app(CfPush.given.merge("targets" => JSON.generate(targets), "operator_password_hash" => hash.strip))

    Dir.mktmpdir("promfetch-cf-push") do |folder|
      FileUtils.ln_s(File.expand_path(Running.promfetch), File.join(folder, "promfetch"))
      port = Running.free_port
      environment = app["env"].merge("PORT" => port.to_s, "PATH" => "/usr/bin:/bin", "HOME" => folder)
      log = File.join(folder, "log")
      pid = Process.spawn(environment, "exec #{app['command']}", unsetenv_others: true, chdir: folder, in: File::NULL, out: log, err: %i[child out])
      begin
        ready(app, port, log)
        serves_the_target(port)
        assert_operator memory(pid), :<, Integer(app["memory"].delete_suffix("M"))
      ensure
        Running.stop(pid)
      end
      # One JSON object a line, for the platform's log.
      lines = File.readlines(log).reject { |line| line.start_with?("api: ", "health: ") }
      lines.each { |line| assert_kind_of Hash, JSON.parse(line) }
    end
  end

  private

  def ready(app, port, log)
    Running.eventually("ready") { Running.get("http://127.0.0.1:#{port}#{app['health-check-http-endpoint']}").code == "200" }
  rescue RuntimeError
    flunk File.read(log)
  end

  def serves_the_target(port)
    page = "http://127.0.0.1:#{port}/v1/apps/acme/prod/shop/metrics"
    assert_equal "401", Running.get(page).code
    answer = Running.get(page, "Authorization" => LOGIN)
    assert_equal "200", answer.code
    assert_match(/^orders_total\{organization_id="[^"]*",.*app_name="shop",index="0"/, answer.body)
    assert_match(/^promfetch_up\{.* 1$/, answer.body)
    assert_equal "200", Running.get("http://127.0.0.1:#{port}/doc").code
  end

  # An instance of an app, for one request.
  def answer(socket)
    until (line = socket.gets).nil? || line == "\r\n"; end
    body = "# TYPE orders_total counter\norders_total 5\n"
    socket.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: #{body.size}\r\nConnection: close\r\n\r\n#{body}")
  ensure
    socket.close
  end

  # In MiB, as the platform counts it.
  def memory(pid)
    Integer(File.read("/proc/#{pid}/status")[/^RssAnon:\s+(\d+) kB/, 1]) / 1024
  end
end

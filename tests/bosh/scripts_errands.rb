# frozen_string_literal: true

# The errands for the broker, with a cf that writes down how it is called, and the scripts of bbr, with an SDK that does.

require_relative 'harness/suite'

class ErrandsTest < Minitest::Test
  SECRETS = { cf: "cf's \"secret\" $word", broker: "broker's `secret` \\word" }.freeze

  # Notes its own command line, that of its caller, and which secrets are in its environment; answers as the real one does.
  CF = <<~'SH'
    #!/usr/bin/env bash
    {
        printf 'call: %s\n' "$*"
        printf 'user=%s password=%s broker=%s home=%s ca=%s\n' "${CF_USERNAME:-}" "${CF_PASSWORD:-}" "${CF_BROKER_PASSWORD:-}" "$(stat -c %a "$CF_HOME")" "${SSL_CERT_FILE:-}"
        echo token >"$CF_HOME/config.json"
        echo "$CF_HOME" >>ROOT/homes
    } >>ROOT/calls
    ps -e -o args= >>ROOT/processes
    case "$1 ${2:-}" in
    'curl --fail') printf '{\n   "pagination": {\n      "total_results": %s,\n      "total_pages": 1\n   }\n}\n' "$(cat ROOT/known)" ;;
    esac
    if grep -qx "$1" ROOT/failing 2>/dev/null; then
        echo "FAILED" >&2
        exit 1
    fi
  SH

  def setup
    @root = File.realpath(Dir.mktmpdir)
    @bin = File.join(@root, 'packages/cf-cli-8-linux/bin')
    FileUtils.mkdir_p(@bin)
    put('packages/cf-cli-8-linux/bin/cf', CF.gsub('ROOT', @root))
    File.write(File.join(@root, 'known'), '0')
  end

  def teardown
    FileUtils.rm_rf(@root)
  end

  def put(path, text)
    file = File.join(@root, path)
    FileUtils.mkdir_p(File.dirname(file))
    File.write(file, text)
    File.chmod(0o755, file)
  end

  def errand(name, more = {}, links: [])
    properties = { 'cf.api_url' => 'https://api.example.org', 'cf.username' => 'admin', 'cf.password' => SECRETS[:cf] }
    folder = Harness::Job.new(name).install(@root, properties.merge(more), links: links)
    %w[calls processes].each { |file| FileUtils.rm_f(File.join(@root, file)) }
    out, err, status = Harness.run(File.join(folder, 'bin/pre-start'))
    assert_predicate status, :success?, out + err
    assert_equal '600', format('%o', File.stat(File.join(folder, 'config/settings.sh')).mode & 0o777)
    Harness.run(File.join(folder, 'bin/run'))
  end

  def link
    Harness::Link.new('promfetch', properties: { 'base_url' => 'https://promfetch.example.org', 'broker' => { 'user' => 'cloud-controller', 'pass' => SECRETS[:broker], 'service_name' => 'metrics' } })
  end

  def lines(file = 'calls')
    File.readlines(File.join(@root, file), chomp: true)
  end

  def calls
    lines.grep(/^call: /).map { |line| line.delete_prefix('call: ') }
  end

  # The secrets are in the environment of the calls that need them, and nowhere else.
  def assert_secrets_are_kept(out, err)
    SECRETS.each_value { |secret| [out, err, *lines('processes'), *calls].each { |text| refute_includes text, secret } }
    told = lines.each_slice(2).to_h { |call, environment| [call.split[1], environment] }
    told.each do |command, environment|
      assert_equal command == 'auth', environment.include?("password=#{SECRETS[:cf]} "), command
      assert_equal command.end_with?('e-service-broker') && command != 'delete-service-broker', environment.include?("broker=#{SECRETS[:broker]} "), command
      assert_includes environment, 'home=700'
    end
    lines('homes').each { |home| refute_path_exists home, 'the token is gone' }
  end

  def test_a_broker_that_is_not_known_is_created
    out, err, status = errand('promfetch-broker-registrar', links: [link])
    assert_predicate status, :success?, err
    assert_equal ['api https://api.example.org', 'auth', 'curl --fail /v3/service_brokers?names=promfetch', 'create-service-broker promfetch cloud-controller https://promfetch.example.org/broker',
                  'enable-service-access metrics -b promfetch'], calls
    assert_secrets_are_kept(out, err)
  end

  def test_a_known_broker_is_updated
    File.write(File.join(@root, 'known'), '1')
    out, err, status = errand('promfetch-broker-registrar', { 'broker.name' => 'my broker', 'broker.organizations' => ['acme', 'two words'], 'cf.skip_ssl_validation' => true }, links: [link])
    assert_predicate status, :success?, err
    assert_equal ['api https://api.example.org --skip-ssl-validation', 'auth', 'curl --fail /v3/service_brokers?names=my%20broker',
                  'update-service-broker my broker cloud-controller https://promfetch.example.org/broker', 'enable-service-access metrics -b my broker -o acme',
                  'enable-service-access metrics -b my broker -o two words'], calls
    assert_secrets_are_kept(out, err)
  end

  def test_more_than_nine_brokers_of_a_name_are_not_none
    File.write(File.join(@root, 'known'), '10')
    errand('promfetch-broker-registrar', links: [link])
    assert_includes calls.join("\n"), 'update-service-broker'
  end

  def test_a_client_an_authority_and_closed_access
    _out, err, status = errand('promfetch-broker-registrar', { 'cf.client_id' => 'registrar', 'cf.client_secret' => 'of client', 'cf.ca_cert' => Harness.data('ca.pem'), 'broker.enable_access' => false }, links: [link])
    assert_predicate status, :success?, err
    assert_equal 'auth --client-credentials', calls[1]
    assert_includes lines[3], 'user=registrar password=of client '
    assert_includes lines[1], "ca=#{@root}/jobs/promfetch-broker-registrar/config/ca.crt"
    assert_match(/^create-service-broker/, calls.last)
  end

  def test_a_failure_of_cf_is_one_of_the_errand
    %w[api auth curl create-service-broker enable-service-access].each do |command|
      File.write(File.join(@root, 'failing'), "#{command}\n")
      refute_predicate errand('promfetch-broker-registrar', links: [link]).last, :success?, command
      assert_equal command, calls.last.split.first
    end
  end

  def test_without_cf_the_errand_says_what_is_missing
    FileUtils.rm_rf(File.join(@root, 'packages'))
    _out, err, status = errand('promfetch-broker-registrar', links: [link])
    assert_equal [1, true], [status.exitstatus, err.include?('colocate the job cf-cli-8-linux')]
  end

  def test_the_newest_cf_counts
    put('packages/cf-cli-10-linux/bin/cf', CF.gsub('ROOT', @root).sub('call: ', 'call: ten '))
    errand('promfetch-broker-registrar', links: [link])
    assert_equal 'ten api https://api.example.org', calls[0]
  end

  def test_deregistering
    out, err, status = errand('promfetch-broker-deregistrar', links: [link])
    assert_predicate status, :success?, err
    assert_equal ['api https://api.example.org', 'auth', 'delete-service-broker promfetch -f'], calls
    assert_secrets_are_kept(out, err)
    errand('promfetch-broker-deregistrar', { 'broker.purge' => true }, links: [link])
    assert_equal ['purge-service-offering metrics -b promfetch -f', 'delete-service-broker promfetch -f'], calls.last(2)
  end

  # ---- bbr

  def bbr(script, more)
    FileUtils.mkdir_p(File.join(@root, 'artifact'))
    %w[backup restore].each { |name| put("jobs/database-backup-restorer/bin/#{name}", "#!/bin/sh\necho \"#{name} $*\"\n") }
    folder = Harness::Job.new('bbr-promfetchdb').install(@root, more)
    assert_predicate Harness.run(File.join(folder, 'bin/pre-start')).last, :success?
    assert_equal '600', format('%o', File.stat(File.join(folder, 'config/database.json')).mode & 0o777)
    Harness.run(File.join(folder, 'bin/bbr', script), env: { 'BBR_ARTIFACT_DIRECTORY' => File.join(@root, 'artifact') })
  end

  def test_backup_and_restore
    on = { 'release_level_backup' => true, 'db.host' => 'h', 'db.user' => 'u', 'db.password' => 'p', 'db.name' => 'n' }
    %w[backup restore].each do |script|
      out, err, status = bbr(script, on)
      assert_equal ["#{script} --config #{@root}/jobs/bbr-promfetchdb/config/database.json --artifact-file #{@root}/artifact/promfetchdb\n", '', true], [out, err, status.success?]
      out, _err, status = bbr(script, {})
      assert_equal ["Nothing to do: the property release_level_backup is false.\n", true], [out, status.success?]
    end
  end
end

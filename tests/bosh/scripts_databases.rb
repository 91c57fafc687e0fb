# frozen_string_literal: true

# The job promfetch on a real MariaDB: in the place of promfetcher, with its manifest, its table and its ids; and with TLS, as
# its parts say it.

require_relative 'harness/machine'

class DatabasesTest < Minitest::Test
  include Harness::Machine

  # As BOSH's variables never look, and as an operator's own may.
  PASSWORD = 'p#ss/w@rd:100%41'
  APP = '8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42'
  CLIENT = %w[mariadb mysql].find { |name| system("command -v #{name} >/dev/null") }

  def teardown
    super
  ensure
    stop_database
  end

  # Gives its port. With an authority it takes TLS alone, and its certificate is for 127.0.0.1.
  def database(authority = nil)
    @data = File.realpath(Dir.mktmpdir)
    port = Harness.free_port
    init = File.join(@data, 'init.sql')
    File.write(init, "CREATE DATABASE promfetcher;\nCREATE USER 'promfetcher'@'%' IDENTIFIED BY '#{PASSWORD}' REQUIRE #{authority ? 'SSL' : 'NONE'};\nGRANT ALL ON promfetcher.* TO 'promfetcher'@'%';\n")
    options = ["--datadir=#{@data}/data", '--skip-networking=0', "--socket=#{@data}/socket", "--pid-file=#{@data}/pid", '--bind-address=127.0.0.1', "--port=#{port}", '--skip-name-resolve', '--innodb-log-file-size=8M']
    if authority
      certificate, key = authority.issue('127.0.0.1')
      { 'ca' => authority.pem, 'cert' => certificate, 'key' => key }.each do |name, text|
        File.write(File.join(@data, "tls.#{name}"), text)
        options << "--ssl-#{name}=#{@data}/tls.#{name}"
      end
    end
    options << '--user=root' if Process.uid.zero?
    path = { 'PATH' => "#{ENV.fetch('PATH')}:/usr/sbin:/sbin" }
    out, err, status = Harness.run('mariadb-install-db', '--no-defaults', "--datadir=#{@data}/data", '--auth-root-authentication-method=normal', '--skip-test-db', *options.grep(/user=/), env: path)
    raise out + err unless status.success?

    @server = Process.spawn(path, 'mariadbd', '--no-defaults', *options, "--init-file=#{init}", %i[out err] => File.join(@data, 'log'))
    Harness.eventually('MariaDB listens') { sql('SELECT 1') }
    port
  end

  def stop_database
    return unless @server

    Process.kill('KILL', @server)
    Process.wait(@server)
    FileUtils.rm_rf(@data)
  end

  def sql(statement)
    out, _err, status = Harness.run(CLIENT, '--no-defaults', "--socket=#{@data}/socket", '--user=root', '--skip-column-names', '--batch', 'promfetcher', '-e', statement)
    status.success? && out
  end

  def test_in_the_place_of_promfetcher
    port = database
    sql('CREATE TABLE app_endpoints (guid varchar(255), app_guid varchar(255), endpoint varchar(255), PRIMARY KEY (guid))')
    sql("INSERT INTO app_endpoints VALUES ('bound-by-promfetcher', '#{APP}', '/slow')")

    certificate, key = Harness::Authority.new('web').issue('127.0.0.1', 'promfetcher.example.org')
    ours = properties
    # The properties of promfetcher-release, and what cf-deployment's NATS asks for.
    old = { 'nats.cert_chain' => ours['nats.cert_chain'], 'nats.private_key' => ours['nats.private_key'], 'targets_allow' => ours['targets_allow'], 'health_check_port' => @health, 'start_response_delay_interval' => '500ms',
            'promfetcher.port' => @api, 'promfetcher.base_url' => "https://127.0.0.1:#{@api}", 'promfetcher.broker.username' => 'promfetcher-broker', 'promfetcher.broker.password' => BROKER,
            'promfetcher.tls_pem.cert_chain' => certificate, 'promfetcher.tls_pem.private_key' => key, 'promfetcher.ca_certs' => @authority.pem, 'promfetcher.backends.cert_chain' => ours['backends.cert_chain'],
            'promfetcher.backends.private_key' => ours['backends.private_key'], 'promfetcher.database.user' => 'promfetcher', 'promfetcher.database.password' => PASSWORD, 'promfetcher.database.host' => '127.0.0.1',
            'promfetcher.database.port' => port, 'promfetcher.database.name' => 'promfetcher' }
    Harness::Job.new('promfetch').install(@root, old, links: [@nats.link])
    assert_predicate script('pre-start').last, :success?
    bpm_start
    assert_predicate script('post-start').last, :success?, service_log
    register

    # Open, over HTTPS, and what promfetcher bound is in effect: a path that takes the instances' time.
    page = Harness.eventually('both instances are on the page') { get(PAGE, user: nil, tls: true).then { |answer| answer if answer.body.scan(/^requests\{/).size == 2 } }
    assert_equal '200', page.code
    instances = get("/v1/apps/#{APP}/instances", user: nil, tls: true).body
    assert_includes instances, '"/slow"'
    catalog = JSON.parse(get('/broker/v2/catalog', user: 'promfetcher-broker', password: BROKER, tls: true) { |request| request['X-Broker-API-Version'] = '2.17' }.body)['services'][0]
    assert_equal %w[promfetcher e44a55b7-b532-4247-89f3-4ea92054b793 3294e4fa-42b3-4505-b289-8fb3695b5b3a], [catalog['name'], catalog['id'], catalog['plans'][0]['id']]

    # bin/run reads the same database, and the table stays as it was.
    out, err, status = Harness.run(File.join(@root, 'jobs/promfetch/bin/run'), 'bindings')
    assert_predicate status, :success?, err
    assert_includes out, 'bound-by-promfetcher'
    assert_equal "bound-by-promfetcher\t#{APP}\t/slow\n", sql('SELECT * FROM app_endpoints')
  end

  def test_tls_to_the_database_is_checked
    authority = Harness::Authority.new('database')
    port = database(authority)
    parts = { 'db.user' => 'promfetcher', 'db.password' => PASSWORD, 'db.host' => '127.0.0.1', 'db.port' => port, 'db.name' => 'promfetcher' }
    bindings = lambda do |more|
      install(parts.merge(more))
      _out, err, status = Harness.run(File.join(@root, 'jobs/promfetch/bin/run'), 'bindings')
      [status.success?, err]
    end
    install(parts.merge('db.ca_cert' => authority.pem))
    bpm_start
    assert_predicate script('post-start').last, :success?, service_log
    Harness.eventually('the tables are there') { sql('SHOW TABLES').to_s.lines.size > 1 }
    assert_equal [true, ''], bindings.call('db.ca_cert' => authority.pem)
    refute bindings.call('db.ca_cert' => Harness::Authority.new('another').pem).first
    # The certificate is for the address, not for this name.
    refute bindings.call('db.ca_cert' => authority.pem, 'db.host' => 'localhost').first
    assert bindings.call('db.ca_cert' => authority.pem, 'db.host' => 'localhost', 'db.verify_hostname' => false).first
  end
end

# frozen_string_literal: true

# The configuration that the job promfetch renders: with defaults, with everything set, with and without links, with
# wrong values; and that promfetch itself takes it.

require_relative 'harness/suite'

class ConfigTest < Minitest::Test
  CA = Harness.data('ca.pem')
  CERTIFICATE = Harness.data('cert.pem')
  KEY = Harness.data('key.pem')
  HASH = '$argon2id$v=19$m=19456,t=2,p=1$47o12Sgofz9OZX853R8uOg$Kibnl6bmumMrUOAo0QPlF7wNUtyan1WLOO04+AF8Xb0'
  PASSWORD = "p@ss:w/rd#?%41\"' \\ü0123"

  def job
    @job ||= Harness::Job.new('promfetch')
  end

  def text(properties = {}, links: [], instance: {})
    job.render('config/promfetch.yml', properties, links: links, instance: instance)
  end

  def config(...)
    # As any YAML reader sees it.
    YAML.safe_load(text(...))
  end

  def refused(properties, links: [])
    assert_raises(RuntimeError) { text(properties, links: links) }.message
  end

  def tls_link(more = {})
    Harness::Link.new('nats-tls', properties: { 'nats' => { 'user' => 'link-user', 'password' => 'link-pass', 'hostname' => 'nats.service.cf.internal', 'port' => 4224,
                                                            'external' => { 'tls' => { 'ca' => CA } } }.merge(more) })
  end

  def plain_link
    Harness::Link.new('nats', properties: { 'nats' => { 'user' => 'plain-user', 'password' => 'plain-pass', 'port' => 4222 } }, addresses: %w[10.0.16.4 10.0.16.5])
  end

  def postgres_link
    Harness::Link.new('database', address: 'q-s0.database.default.cf.bosh', properties: {
                        'databases' => { 'port' => 5524, 'tls' => { 'ca' => CA }, 'roles' => [{ 'name' => 'promfetch', 'password' => 'from/the role' }] }
                      })
  end

  # Every property, each with a value of its own.
  def everything
    {
      'nats.hosts' => [{ 'hostname' => 'q-s0.nats', 'port' => 4224 }, { 'hostname' => 'q-s1.nats' }], 'nats.user' => 'nats', 'nats.pass' => PASSWORD, 'nats.tls_enabled' => true,
      'nats.ca_certs' => CA, 'nats.cert_chain' => CERTIFICATE, 'nats.private_key' => KEY, 'nats_client_ping_interval' => '10s',
      'gorouters' => [{ 'host' => '127.0.0.1', 'port' => 8082, 'user' => 'router-status', 'pass' => '0123' }], 'gorouter_poll_interval' => '15s',
      'targets' => [{ 'organization' => 'monitoring', 'space' => 'prod', 'app' => 'legacy', 'address' => '10.0.7.12:9100', 'headers' => { 'Authorization' => 'Bearer secret' }, 'labels' => { 'colour' => 'blue' }, 'timeout' => '2s' }],
      'targets_allow' => ['127.0.0.0/8'], 'targets_deny' => ['10.0.0.0/24'], 'start_response_delay_interval' => '30s', 'droplet_stale_threshold' => '2m30s',
      'external_exporters' => [{ 'name' => 'blackbox', 'host' => 'blackbox.internal:9115', 'metrics_path' => '/probe', 'scheme' => 'https', 'params' => { 'app' => ['{{.AppID}}'] } }],
      'ca_certs' => CA + CERTIFICATE, 'skip_ssl_validation' => true, 'backends.cert_chain' => CERTIFICATE, 'backends.private_key' => KEY, 'backends.max_conns' => 500,
      'enable_http2' => false, 'fetch_timeout' => '10s', 'fetch_connect_timeout' => '2s', 'fetch_cache' => '5s', 'max_fetches' => 4096, 'max_body' => '16MiB', 'max_page' => '512MiB',
      'max_inflight' => '2GiB', 'disable_keep_alives' => true, 'pool_max_idle' => 50_000, 'pool_idle_timeout' => '3m', 'max_idle_conns_per_host' => 100, 'max_idle_conns' => 200,
      'idle_conn_timeout' => 60, 'formats' => %w[text protobuf], 'extra_labels' => { 'foundation' => 'yes' }, 'label_conflict' => 'drop', 'call_metrics' => 'ecs', 'call_metrics_address' => ':51680', 'max_samples' => 500_000, 'max_line' => '64KiB',
      'port' => 8443, 'health_check_port' => 8081, 'enable_ssl' => true, 'tls_pem.cert_chain' => CERTIFICATE, 'tls_pem.private_key' => KEY, 'base_url' => 'https://promfetch.example.org',
      'metric_path_allow' => ['/actuator/*'], 'trusted_proxies' => ['10.0.1.0/24'], 'sd_keep' => '15m', 'drain_wait' => '45s', 'logging.level' => 'debug', 'logging.no_color' => true, 'logging.in_json' => true,
      'index' => 2, 'access' => 'protected', 'operators' => [{ 'name' => 'prometheus', 'password_hash' => HASH }],
      'uaa.url' => 'https://uaa.service.cf.internal:8443', 'uaa.issuer' => 'https://uaa.sys.example.org/oauth/token', 'uaa.audiences' => ['promfetch'],
      'uaa.cloud_controller' => 'https://api.sys.example.org', 'uaa.client_id' => 'promfetch', 'uaa.client_secret' => PASSWORD, 'uaa.login_url' => 'https://login.sys.example.org', 'uaa.ca_certs' => CA, 'uaa.skip_ssl_validation' => true,
      'broker.broker_service_id' => '8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42', 'broker.broker_plan_id' => 'e2900be3-709b-419e-b63b-de3aabcd9e15', 'broker.user' => 'cloud-controller',
      'broker.pass' => PASSWORD, 'broker.previous_user' => 'before', 'broker.previous_pass' => '12345678901', 'broker.service_name' => 'app-metrics', 'broker.secret_key' => 'k4v0XrVh3q2mD8sJ0tYw9bN1cLzQeA6u',
      'broker.previous_secret_key' => 'u6AeQzLc1Nb9wYt0Js8Dm2q3hVrX0v4k', 'broker.take_over' => true, 'broker.write_back' => false,
      'db_conn' => 'mysql://promfetch:secret@sql-db.service.cf.internal:3306/promfetch', 'sql_cnx_max_idle' => 10, 'sql_cnx_max_open' => 20, 'sql_cnx_max_life' => '30m', 'not_exit_when_conn_failed' => true
    }
  end

  # The keys of docs/configuration.md, with their defaults.
  def table
    File.readlines(File.join(Harness::REPOSITORY, 'docs/configuration.md'), encoding: 'UTF-8').grep(/^\| `/).to_h do |line|
      cells = line.split(/(?<!\\)\|/).map(&:strip)
      [cells[1].delete('`'), { default: cells[3], meaning: cells[4] }]
    end
  end

  # A key of the table as the property that has it: lists and maps are properties as a whole.
  def property_of(key)
    key.sub(/(\[\]|\.<name>).*/, '')
  end

  def test_every_key_of_the_configuration_is_a_property
    assert_operator table.size, :>, 90
    missing = table.keys.map { |key| property_of(key) }.uniq - job.properties.keys
    assert_empty missing
  end

  def test_defaults_are_those_of_the_configuration
    # These come from links or from BOSH where nothing is said.
    others = %w[nats.tls_enabled index]
    table.each do |key, row|
      next if key.include?('[]') || key.include?('<name>') || others.include?(key)

      default = row[:default][/\A`([^`]+)`\z/, 1]
      # The default of some is the value of another key.
      default = nil if default && table.key?(default)
      assert_equal default.to_s, job.properties.fetch(key)['default'].to_s, key
    end
  end

  def test_everything_that_is_set_comes_out_as_it_went_in
    given = everything
    rendered = config(given)
    given['nats.hosts'][1]['port'] = 4224
    given.each { |name, value| assert_equal value, Harness::Lookup.find(rendered, name), name }
    assert_equal (table.keys.map { |key| property_of(key) }.uniq - given.keys), [], 'keys that this test forgets'
  end

  def test_promfetch_takes_everything_and_warns_of_nothing_unknown
    code, said = Harness.check_config(text(everything))
    assert_equal 0, code, said
    refute_match(/unknown|not known/i, said)
  end

  def test_promfetch_takes_the_defaults
    code, said = Harness.check_config(text)
    assert_equal 0, code, said
    rendered = config
    refute rendered.key?('nats'), 'NATS on this machine is for those who ask for it'
    assert_equal [8085, 8080, 'open', 0], rendered.values_at('port', 'health_check_port', 'access', 'index')
    refute rendered.key?('db_conn')
  end

  def test_the_index_is_that_of_the_instance
    assert_equal 2, config(instance: { index: 2 })['index']
    assert_equal 7, config({ 'index' => 7 }, instance: { index: 2 })['index']
  end

  def test_nats_from_the_link_with_tls
    nats = config({ 'nats.cert_chain' => CERTIFICATE, 'nats.private_key' => KEY }, links: [tls_link, plain_link])['nats']
    assert_equal({ 'hosts' => [{ 'hostname' => 'nats.service.cf.internal', 'port' => 4224 }], 'user' => 'link-user', 'pass' => 'link-pass', 'tls_enabled' => true, 'ca_certs' => CA,
                   'cert_chain' => CERTIFICATE, 'private_key' => KEY }, nats)
  end

  def test_addresses_where_the_link_has_no_name
    link = Harness::Link.new('nats-tls', properties: { 'nats' => { 'user' => 'u', 'password' => 'p', 'hostname' => nil, 'port' => 4224 } }, addresses: %w[10.0.16.4 10.0.16.5])
    assert_equal [{ 'hostname' => '10.0.16.4', 'port' => 4224 }, { 'hostname' => '10.0.16.5', 'port' => 4224 }], config(links: [link])['nats']['hosts']
  end

  def test_nats_from_the_link_without_tls
    nats = config(links: [plain_link])['nats']
    assert_equal [{ 'hostname' => '10.0.16.4', 'port' => 4222 }, { 'hostname' => '10.0.16.5', 'port' => 4222 }], nats['hosts']
    assert_equal ['plain-user', 'plain-pass', false, nil], nats.values_at('user', 'pass', 'tls_enabled', 'ca_certs')
  end

  def test_without_tls_by_property_the_other_link_counts
    nats = config({ 'nats.tls_enabled' => false }, links: [tls_link, plain_link])['nats']
    assert_equal ['plain-user', 4222, false], [nats['user'], nats['hosts'][0]['port'], nats['tls_enabled']]
  end

  def test_properties_win_over_the_link
    own = { 'nats.hosts' => [{ 'hostname' => 'own', 'port' => 1 }], 'nats.user' => 'own-user', 'nats.pass' => 'own-pass', 'nats.ca_certs' => CERTIFICATE }
    nats = config(own, links: [tls_link])['nats']
    assert_equal [[{ 'hostname' => 'own', 'port' => 1 }], 'own-user', 'own-pass', CERTIFICATE, true], nats.values_at('hosts', 'user', 'pass', 'ca_certs', 'tls_enabled')
  end

  def test_names_that_other_releases_use_for_nats
    nats = config({ 'nats.machines' => %w[10.0.0.1 10.0.0.2], 'nats.port' => 4333, 'nats.user' => 'u', 'nats.password' => 123_456 })['nats']
    assert_equal [{ 'hostname' => '10.0.0.1', 'port' => 4333 }, { 'hostname' => '10.0.0.2', 'port' => 4333 }], nats['hosts'].map { |host| host.sort.to_h }
    assert_equal '123456', nats['pass'], 'a password of digits is a text'
  end

  def test_a_login_without_servers_is_for_nats_on_this_machine
    assert_equal({ 'user' => 'nats', 'pass' => '123', 'tls_enabled' => false }, config({ 'nats.user' => 'nats', 'nats.pass' => 123 })['nats'])
    assert_equal 0, Harness.check_config(text({ 'nats.user' => 'nats', 'nats.pass' => 'x' })).first
  end

  def test_gorouters_alone_do_not_bring_nats_along
    rendered = config({ 'gorouters' => [{ 'host' => '127.0.0.1', 'port' => 8082, 'user' => 'router-status', 'pass' => 'x' }] })
    refute rendered.key?('nats')
    assert_equal 8082, rendered['gorouters'][0]['port']
  end

  # Reads a database URL as promfetch does: the login decoded.
  def read_url(url)
    scheme, rest = url.split('://', 2)
    login, place = rest.split('@', 2)
    user, password = login.split(':', 2).map { |part| part.gsub(/%(\h\h)/) { $1.hex.chr }.force_encoding('UTF-8') }
    [scheme, user, password, place]
  end

  def database(more = {})
    { 'broker.user' => 'cloud-controller', 'broker.pass' => 'b', 'db.name' => 'promfetch', 'db.user' => 'promfetch', 'db.password' => PASSWORD, 'db.host' => 'sql-db.service.cf.internal' }.merge(more)
  end

  def test_a_database_from_its_parts
    assert_equal ['mysql', 'promfetch', PASSWORD, 'sql-db.service.cf.internal:3306/promfetch'], read_url(config(database)['db_conn'])
    assert_equal ['postgres', 'promfetch', PASSWORD, 'sql-db.service.cf.internal:5432/promfetch'], read_url(config(database('db.scheme' => 'postgres'))['db_conn'])
    assert_equal ['mariadb', 'promfetch', PASSWORD, '[2001:db8::7]:3307/a%2Fb'], read_url(config(database('db.scheme' => 'mariadb', 'db.host' => '2001:db8::7', 'db.port' => '3307', 'db.name' => 'a/b'))['db_conn'])
  end

  def test_tls_to_the_database
    certs = '/var/vcap/jobs/promfetch/config/certs'
    both = { 'db.ca_cert' => CA, 'db.client_cert' => CERTIFICATE, 'db.client_key' => KEY }
    assert_equal "ssl-mode=VERIFY_IDENTITY&ssl-ca=#{certs}/db_ca.crt&ssl-cert=#{certs}/db_client.crt&ssl-key=#{certs}/db_client.key", config(database(both))['db_conn'].split('?')[1]
    assert_equal "sslmode=verify-ca&sslrootcert=#{certs}/db_ca.crt", config(database('db.scheme' => 'postgres', 'db.ca_cert' => CA, 'db.verify_hostname' => false))['db_conn'].split('?')[1]
    assert_equal CA, job.render('config/certs/db_ca.crt', both).sub(/\n\z/, '')
    assert_equal CERTIFICATE, job.render('config/certs/db_client.crt', both).sub(/\n\z/, '')
    assert_equal KEY, job.render('config/certs/db_client.key', both).sub(/\n\z/, '')
    [database(both), database(both.merge('db.scheme' => 'postgres'))].each do |properties|
      Dir.mktmpdir do |root|
        job.install(root, properties)
        _out, err, status = Harness.run(Harness.promfetch, 'check-config', '-c', File.join(root, 'jobs/promfetch/config/promfetch.yml'))
        assert_predicate status, :success?, err
      end
    end
  end

  def test_the_database_from_the_link
    properties = { 'broker.user' => 'cloud-controller', 'broker.pass' => 'b', 'db.name' => 'promfetch', 'db.user' => 'promfetch' }
    url = config(properties, links: [postgres_link])['db_conn']
    assert_equal ['postgres', 'promfetch', 'from/the role', "q-s0.database.default.cf.bosh:5524/promfetch?sslmode=verify-full&sslrootcert=/var/vcap/jobs/promfetch/config/certs/db_ca.crt"], read_url(url)
    assert_equal CA, job.render('config/certs/db_ca.crt', properties, links: [postgres_link]).sub(/\n\z/, '')
  end

  def test_properties_win_over_the_link_of_the_database
    url = config(database('db.port' => 3307), links: [postgres_link])['db_conn']
    assert_equal ['mysql', 'promfetch', PASSWORD, 'sql-db.service.cf.internal:3307/promfetch'], read_url(url)
    assert_equal 'sqlite:////x.db', config(database('db_conn' => 'sqlite:////x.db'), links: [postgres_link])['db_conn']
  end

  def test_a_link_alone_is_no_wish_for_a_database
    refute config(links: [postgres_link]).key?('db_conn')
  end

  def test_a_broker_without_a_database_keeps_its_store_on_the_persistent_disk
    properties = { 'broker.user' => 'cloud-controller', 'broker.pass' => 'b' }
    assert_equal 'sqlite:////var/vcap/store/promfetch/promfetch.db', config(properties)['db_conn']
    refute config(properties.merge('broker.enabled' => false)).key?('broker')
    key = { 'secret_key' => 'k4v0XrVh3q2mD8sJ0tYw9bN1cLzQeA6u' }
    assert_equal key, config(properties.merge('broker.enabled' => false, 'broker.secret_key' => key['secret_key']))['broker'], 'sessions have to be the same on all processes'
    refute config(properties.merge('broker.enabled' => false)).key?('db_conn')
  end

  def test_operators_in_clear_are_not_in_the_configuration
    operators = [{ 'name' => 'first', 'password_hash' => HASH }, { 'name' => 'second', 'password' => 'a long password' }]
    properties = { 'operators' => operators }
    assert_equal [{ 'name' => 'first', 'password_hash' => HASH }, { 'name' => 'second' }], config(properties)['operators']
    assert_equal "1\ta long password\n", job.render('config/operator-passwords', properties)
    assert_equal '', job.render('config/operator-passwords')
  end

  # A manifest of promfetcher-release, its properties as they are.
  def promfetchers
    { 'promfetcher' => { 'base_url' => 'https://promfetcher.example.org', 'broker' => { 'username' => 'promfetcher-broker', 'password' => 'secret of the broker' }, 'ca_certs' => CA,
                         'tls_pem' => { 'cert_chain' => CERTIFICATE, 'private_key' => KEY }, 'backends' => { 'cert_chain' => CERTIFICATE, 'private_key' => KEY },
                         'database' => { 'user' => 'promfetcher', 'password' => 'p#ss/w@rd', 'name' => 'promfetcher' } } }
  end

  def test_a_manifest_of_promfetcher_release_works_as_it_is
    rendered = config(promfetchers, links: [tls_link])
    assert_equal [443, true, 'https://promfetcher.example.org', 'open'], rendered.values_at('port', 'enable_ssl', 'base_url', 'access')
    assert_equal({ 'broker_service_id' => 'e44a55b7-b532-4247-89f3-4ea92054b793', 'broker_plan_id' => '3294e4fa-42b3-4505-b289-8fb3695b5b3a', 'user' => 'promfetcher-broker',
                   'pass' => 'secret of the broker', 'write_back' => true }, rendered['broker'])
    assert_equal ['mysql', 'promfetcher', 'p#ss/w@rd', 'sql-db.service.cf.internal:3306/promfetcher'], read_url(rendered['db_conn'])
    assert_equal [500, true], [rendered['backends']['max_conns'], rendered['logging']['in_json']]
    assert_equal 'link-user', rendered['nats']['user']
    code, said = Harness.check_config(text(promfetchers, links: [tls_link]))
    assert_equal 0, code, said
  end

  def test_all_names_of_promfetcher_release
    old = { 'port' => 8443, 'health_check_port' => 8181, 'idle_conn_timeout' => 300, 'droplet_stale_threshold' => '90s', 'start_response_delay_interval' => '7s',
            'external_exporters' => [{ 'name' => 'blackbox', 'host' => 'blackbox.internal:9115' }], 'skip_ssl_validation' => true, 'enable_ssl' => false, 'max_idle_connections' => 300, 'disable_keep_alives' => true, 'log_level' => 'debug',
            'broker.service_id' => 'my-service', 'broker.plan_id' => 'my-plan', 'backends.max_conns' => 7, 'database.host' => 'db', 'database.port' => 3310,
            'database.cnx.max_open' => '11', 'database.cnx.max_idle' => '6', 'database.cnx.max_life' => '2h',
            'gorouters' => [{ 'host' => 'gorouter.service.cf.internal', 'port' => 8080, 'user' => 'router-status', 'password' => 'x' }] }
    rendered = config(old.transform_keys { |name| "promfetcher.#{name}" }.merge(
                        promfetchers['promfetcher']['database'].transform_keys { |name| "promfetcher.database.#{name}" }
                      ).merge('promfetcher.broker.username' => 'u', 'promfetcher.broker.password' => 'p', 'promfetcher.broker.enable' => true))
    assert_equal [8443, false, true, true, 300], rendered.values_at('port', 'enable_ssl', 'skip_ssl_validation', 'disable_keep_alives', 'max_idle_conns')
    assert_equal [8181, 300, '90s', '7s', 'blackbox.internal:9115'],
                 rendered.values_at('health_check_port', 'idle_conn_timeout', 'droplet_stale_threshold', 'start_response_delay_interval') + [rendered['external_exporters'][0]['host']]
    assert_equal [%w[my-service my-plan], 7], [rendered['broker'].values_at('broker_service_id', 'broker_plan_id'), rendered['backends']['max_conns']]
    assert_equal [11, 6, '2h', 'debug'], rendered.values_at('sql_cnx_max_open', 'sql_cnx_max_idle', 'sql_cnx_max_life') + [rendered['logging']['level']]
    assert_equal 'db:3310/promfetcher', read_url(rendered['db_conn'])[3]
    assert_equal [{ 'host' => 'gorouter.service.cf.internal', 'port' => 8080, 'user' => 'router-status', 'pass' => 'x' }], rendered['gorouters']
    used = (old.keys + ['broker.enable']).map { |name| "promfetcher.#{name}" } + names_of(promfetchers)
    assert_equal [], job.properties.keys.grep(/^promfetcher\./) - used, 'names that this test forgets'
    refute config({ 'promfetcher.broker.enable' => false, 'promfetcher.database.name' => 'x' }).key?('db_conn')
  end

  # Dotted names of what a manifest of promfetcher-release says.
  def names_of(tree, prefix = nil)
    tree.flat_map { |key, value| value.is_a?(Hash) ? names_of(value, [prefix, key].compact.join('.')) : [[prefix, key].compact.join('.')] }
  end

  # All of promfetcher-release's own names are in the table of the way from there, and the other way round.
  def test_the_table_of_old_properties_has_the_names_that_are_understood
    text = File.read(File.join(Harness::REPOSITORY, 'docs/from-promfetcher.md'), encoding: 'UTF-8')
    documented = text[/^Job `promfetcher`.*?(?=^Errand)/m].lines.grep(/^\| `promfetcher/).flat_map { |line| line.split('|')[1].scan(/`(promfetcher\.[a-z_.]+)`/).flatten }
    assert_equal job.properties.keys.grep(/^promfetcher\./).sort, (documented - ['promfetcher.gorouter']).sort
  end

  # property → a wrong value, and what is said of it
  WRONG = {
    'access' => ['shut', 'expected one of `open`, `audit`, `protected`'], 'port' => [0, 'expected a port from 1 to 65535'], 'health_check_port' => ['eighty', 'expected a port'],
    'drain_wait' => [20, 'expected a duration with its unit'], 'fetch_timeout' => ['10 seconds', 'expected a duration'], 'max_body' => ['64 MB', 'expected a size'],
    'max_fetches' => ['many', 'expected a whole number'], 'enable_http2' => ['yes', 'expected `true` or `false`'], 'ca_certs' => [['a list'], 'expected one text in PEM form'],
    'formats' => ['text', 'expected a list'], 'extra_labels' => [['x'], 'expected a map'], 'label_conflict' => ['rename', 'expected one of `export`'], 'call_metrics' => ['aws', 'expected one of `own`'], 'logging.level' => ['loud', 'expected one of'],
    'base_url' => ['promfetch.example.org', 'expected a URL'], 'nats.hosts' => ['10.0.16.4', 'expected a list'], 'nats.port' => [70_000, 'expected a port'], 'gorouters' => ['x', 'expected a list'],
    'operators' => [[{ 'name' => 'a', 'password' => 'short' }], 'the password of `a` is too short'], 'enable_ssl' => [true, 'needs `tls_pem.cert_chain`'],
    'nats.tls_enabled' => ['maybe', 'expected `true` or `false`'], 'index' => ['first', 'expected a whole number'], 'backends.cert_chain' => [CERTIFICATE, 'is of no use without `backends.private_key`'],
    'db.host' => ['db', nil, '`db.name`: is required with a database'], 'broker.take_over' => ['perhaps', 'expected `true` or `false`'], 'uaa.url' => ['uaa', 'expected a URL'],
    'uaa.client_id' => ['promfetch', 'is of no use without `uaa.url`']
  }.freeze

  def test_wrong_values_are_refused_with_the_name_of_the_property
    WRONG.each do |name, (value, about, other)|
      said = refused({ name => value })
      assert_includes said, other || "property `#{name}`: #{about}"
      refute_includes said, CERTIFICATE.lines[1].chomp, 'values may be secrets'
    end
  end

  # With a mistyped key promfetch would look at this machine.
  def test_lists_of_servers_have_the_keys_that_are_known
    { 'nats.hosts' => [['10.0.16.4'], [{ 'host' => '10.0.16.4' }], [{ 'port' => 4222 }], [nil]], 'gorouters' => [['127.0.0.1'], [{ 'hots' => '127.0.0.1' }], [nil]] }.each do |name, wrong|
      wrong.each { |value| assert_includes refused({ name => value }), "property `#{name}`", value }
    end
  end

  def test_all_problems_are_told_at_once
    said = refused({ 'access' => 'shut', 'port' => -1, 'operators' => [{ 'password' => 'x' }, { 'name' => 'b' }, { 'name' => 'c', 'hash' => 'x', 'password_hash' => 'y' }] })
    ['`access`', '`port`', 'each needs a `name`', '`b` needs either', '`c` has `hash`'].each { |part| assert_includes said, part }
  end

  def test_a_database_that_lacks_parts
    said = refused({ 'db.name' => 'promfetch', 'db.scheme' => 'oracle', 'db.client_cert' => CERTIFICATE })
    ['`db.host`: is required', '`db.user`: is required', '`db.scheme`: expected one of', '`db.client_cert`: is of no use'].each { |part| assert_includes said, part }
  end

  def test_a_property_that_the_spec_does_not_have_is_an_error_of_the_test
    assert_raises(Harness::Unknown) { text({ 'acces' => 'open' }) }
    assert_raises(RuntimeError) { text(links: [Harness::Link.new('router')]) }
  end
end

# frozen_string_literal: true

# All templates but the configuration of promfetch, and what holds for the specs of all jobs.

require_relative 'harness/suite'

class JobsTest < Minitest::Test
  PEM = Harness.data('cert.pem')

  def job(name = 'promfetch')
    Harness::Job.new(name)
  end

  # ---- specs

  def test_every_property_has_a_description_a_default_and_an_example
    Harness::Job.all.each do |job|
      job.properties.each do |name, declared|
        assert_equal %w[description default example], declared.keys, "#{job.name}: #{name}"
        assert_match(/\S.*[.`)]\z/m, declared['description'].strip, "#{job.name}: #{name}")
        refute_nil declared['default'], "#{job.name}: #{name}"
        refute_includes [nil, '', [], {}], declared['example'], "#{job.name}: #{name}"
      end
      refute_empty job.spec['description'].to_s, job.name
    end
  end

  def test_no_property_is_a_section_of_others
    Harness::Job.all.each do |job|
      names = job.properties.keys
      names.each { |name| assert_empty names.select { |other| other.start_with?("#{name}.") }, "#{job.name}: #{name}" }
    end
  end

  # Links and properties that open all branches of the templates.
  def open_doors(job)
    links = job.consumes.map do |link|
      Harness::Link.new(link['name'], properties: { 'port' => 8085, 'health_check_port' => 8080, 'base_url' => 'https://promfetch.example.org', 'databases' => { 'port' => 5432 },
                                                    'broker' => { 'user' => 'u', 'pass' => 'p' }, 'db' => { 'user' => 'u', 'password' => 'p', 'name' => 'n' } })
    end
    { 'promfetch' => { 'broker.user' => 'u', 'db.name' => 'n', 'db.user' => 'u', 'metrics.enabled' => true, 'enable_ssl' => true, 'tls_pem.cert_chain' => PEM,
                       'tls_pem.private_key' => Harness.data('key.pem') },
      'promfetch-broker-registrar' => { 'cf.api_url' => 'https://api', 'cf.username' => 'u', 'cf.password' => 'p' },
      'promfetch-broker-deregistrar' => { 'cf.api_url' => 'https://api', 'cf.username' => 'u', 'cf.password' => 'p' },
      'promfetch-smoke-tests' => { 'login.user' => 'u' },
      'bbr-promfetchdb' => { 'release_level_backup' => true, 'db.ca_cert' => PEM } }.fetch(job.name, {}).then { |properties| [properties, links] }
  end

  # Undeclared ones are errors of the renderer, so this is the other direction.
  def test_every_property_and_every_link_is_used_by_a_template
    Harness::Job.all.each do |job|
      properties, links = open_doors(job)
      used = []
      used_links = []
      seen = lambda do |names, link_names|
        used.concat(names)
        used_links.concat(link_names)
      end
      job.render_all(properties, links: links, seen: seen)
      job.render_all(job.name == 'promfetch' ? properties.merge('db.host' => 'h') : properties, seen: seen) unless %w[promfetch-broker-registrar promfetch-smoke-tests bbr-promfetchdb].include?(job.name)
      # Those of the other way to log in.
      job.render_all(properties.merge('cf.client_id' => 'i', 'cf.client_secret' => 's'), links: links, seen: seen) if job.properties.key?('cf.client_id')
      job.render_all(properties.merge('operators' => [{ 'name' => 'me', 'password' => 'long enough it is' }], 'metrics.operator' => 'me', 'metrics.enabled' => true), links: links, seen: seen) if job.name == 'promfetch'
      assert_empty job.properties.keys - used, "#{job.name}: nothing reads these"
      assert_empty job.consumes.map { |link| link['name'] } - used_links, "#{job.name}: nothing reads these links"
    end
  end

  def test_links_that_are_provided_carry_declared_properties
    Harness::Job.all.each do |job|
      job.provides.each { |link| assert_empty link['properties'] - job.properties.keys, "#{job.name}: #{link['name']}" }
      job.consumes.each { |link| assert_equal true, link['optional'], "#{job.name}: #{link['name']}" }
    end
    provided = Harness::Job.all.flat_map(&:provides).map { |link| link.values_at('name', 'type') }
    assert_equal [%w[promfetch promfetch], %w[promfetch-db promfetch-db]], provided
  end

  # The director reads templates in its own locale.
  def test_all_files_of_jobs_are_ascii
    Dir[File.join(Harness::RELEASE, '{jobs,packages}/**/*')].select { |file| File.file?(file) && !file.match?(/_(alerts|dashboards)/) }.each do |file|
      assert File.read(file, encoding: 'BINARY').ascii_only?, file
    end
  end

  # ---- bpm and monit

  # What bpm knows (bpm-release, src/bpm/config).
  BPM = %w[name executable args env additional_volumes capabilities ephemeral_disk hooks limits persistent_disk workdir unsafe].freeze

  def bpm(properties = {})
    YAML.safe_load(job.render('config/bpm.yml', properties))
  end

  def test_bpm
    process = bpm['processes'][0]
    assert_empty process.keys - BPM
    assert_equal ['promfetch', '/var/vcap/jobs/promfetch/bin/run', ['serve'], { 'open_files' => 65_536 }], process.values_at('name', 'executable', 'args', 'limits')
    refute process.key?('capabilities')
    refute process.key?('persistent_disk')
    limits = bpm('limits.memory' => '3G', 'limits.open_files' => 1000, 'limits.processes' => 64)['processes'][0]['limits']
    assert_equal({ 'memory' => '3G', 'open_files' => 1000, 'processes' => 64 }, limits)
  end

  def test_low_ports_need_a_capability
    [{ 'port' => 443 }, { 'health_check_port' => 80 }, { 'promfetcher.port' => 443 }, { 'promfetcher.base_url' => 'https://x' }].each do |properties|
      assert_equal ['NET_BIND_SERVICE'], bpm(properties)['processes'][0]['capabilities'], properties
    end
  end

  # Several files have to know the ports: all of them mean the same ones, whatever mix of names a manifest has.
  def test_all_files_agree_on_ports
    old = { 'promfetcher.base_url' => 'https://promfetcher.example.org' }
    pair = { 'tls_pem.cert_chain' => PEM, 'tls_pem.private_key' => Harness.data('key.pem') }
    old_pair = pair.transform_keys { |name| "promfetcher.#{name}" }
    [{}, { 'port' => 8443, 'health_check_port' => 81 }, { 'port' => '444' }, pair.merge('enable_ssl' => true), old, { 'promfetcher.ca_certs' => PEM }, { 'promfetcher.database.name' => 'x', 'promfetcher.database.user' => 'u' },
     old.merge('port' => 9000, 'promfetcher.health_check_port' => 8181), old.merge('promfetcher.port' => 8085), old.merge(old_pair), old.merge(pair), old.merge(old_pair, 'promfetcher.enable_ssl' => false), old_pair].each do |properties|
      config = YAML.safe_load(job.render('config/promfetch.yml', properties))
      api, health = config.values_at('port', 'health_check_port')
      assert_equal [api, health].any? { |port| port < 1024 }, bpm(properties)['processes'][0].key?('capabilities'), properties
      %w[bin/post-start bin/dns/healthy].each { |path| assert_includes job.render(path, properties), "http://127.0.0.1:#{health}/", properties.to_s }
      scraped = scraper(properties.merge('metrics.enabled' => true))
      assert_equal [api, config['enable_ssl'] ? 'https' : nil], scraped.values_at('port', 'scheme'), properties
      link = Harness::Link.new('promfetch', properties: job.provided('promfetch', properties))
      smoke = job('promfetch-smoke-tests').render('config/settings.sh', {}, links: [link])
      assert_includes smoke, "urls=(#{config['enable_ssl'] ? 'https' : 'http'}://10.0.16.4:#{api})\nhealth_urls=(http://10.0.16.4:#{health})\n", properties.to_s
    end
    wait = { 'promfetcher.start_response_delay_interval' => '1m' }
    assert_includes job.render('bin/post-start', wait), "\ntimeout=120\n"
  end

  def test_links_carry_what_a_manifest_of_promfetcher_release_says
    old = { 'promfetcher.base_url' => 'https://promfetcher.example.org', 'promfetcher.broker.username' => 'u', 'promfetcher.broker.password' => 'p', 'promfetcher.database.name' => 'promfetcher',
            'promfetcher.database.user' => 'd', 'promfetcher.database.password' => 'q' }
    own = Harness::Link.new('promfetch', properties: job.provided('promfetch', old))
    assert_equal %w[https://promfetcher.example.org/broker u p], variables(registrar(cf, links: [own]), 'broker_url', 'broker_user', 'broker_pass').values
    database = Harness::Link.new('promfetch-db', properties: job.provided('promfetch-db', old))
    assert_equal ['sql-db.service.cf.internal', 3306, 'd', 'q', 'promfetcher'], backup({}, links: [database]).values_at('host', 'port', 'username', 'password', 'database')
  end

  def test_the_persistent_disk_is_for_sqlite_alone
    broker = { 'broker.user' => 'u', 'broker.pass' => 'p' }
    assert_equal true, bpm(broker)['processes'][0]['persistent_disk']
    assert_equal true, bpm(broker.merge('db_conn' => 'sqlite:////var/vcap/store/promfetch/x.db'))['processes'][0]['persistent_disk']
    [broker.merge('db.name' => 'x'), broker.merge('db_conn' => 'mysql://x/y'), broker.merge('broker.enabled' => false), { 'promfetcher.broker.username' => 'u', 'promfetcher.database.name' => 'x' }].each do |properties|
      refute bpm(properties)['processes'][0].key?('persistent_disk'), properties
    end
  end

  def test_wrong_limits_are_refused
    { 'limits.memory' => 'much', 'limits.open_files' => 0, 'limits.processes' => '10' }.each do |name, value|
      assert_includes assert_raises(RuntimeError) { bpm(name => value) }.message, "property `#{name}`"
    end
  end

  def test_monit
    text = job.monit
    assert_equal 1, text.scan(/^check process (\S+)$/).size
    assert_match(%r{^  with pidfile /var/vcap/sys/run/bpm/promfetch/promfetch.pid$}, text)
    assert_match(%r{^  start program "/var/vcap/jobs/bpm/bin/bpm start promfetch"$}, text)
    assert_match(%r{^  stop program "/var/vcap/jobs/bpm/bin/bpm stop promfetch"$}, text)
    assert_match(/^  group vcap$/, text)
    (Harness::Job.all.map(&:name) - ['promfetch']).each { |name| assert_equal '', job(name).monit, 'errands and files have no process' }
  end

  # ---- times

  def test_scripts_wait_as_long_as_they_may
    assert_includes job.render('bin/drain'), "\ntimeout=45\n"
    assert_includes job.render('bin/drain', { 'drain_wait' => '1h1m0.5s', 'drain_timeout' => '1500ms' }), "\ntimeout=3662\n"
    assert_includes job.render('bin/post-start'), "\ntimeout=80\n"
    assert_includes job.render('bin/post-start', { 'ready_timeout' => '3m', 'start_response_delay_interval' => '0' }), "\ntimeout=180\n"
    { 'drain_wait' => 'bin/drain', 'drain_timeout' => 'bin/drain', 'ready_timeout' => 'bin/post-start' }.each do |name, path|
      assert_includes assert_raises(RuntimeError) { job.render(path, { name => '20' }) }.message, "property `#{name}`"
    end
  end

  def test_the_health_port_is_the_configured_one
    %w[bin/post-start bin/dns/healthy].each { |path| assert_includes job.render(path, { 'health_check_port' => 8181 }), 'http://127.0.0.1:8181/' }
  end

  # ---- prom_scraper

  def scraper(properties = {}, **more)
    YAML.safe_load(job.render('config/prom_scraper_config.yml', properties, **more))
  end

  def test_prom_scraper
    assert_equal '', job.render('config/prom_scraper_config.yml').strip, 'nothing to scrape'
    assert_equal({ 'port' => 8085, 'source_id' => 'promfetch', 'instance_id' => '3f0c-id', 'path' => '/metrics' }, scraper({ 'metrics.enabled' => true }))
    assert_equal '4', scraper({ 'metrics.enabled' => true }, instance: { id: nil, index: 4 })['instance_id']
    all = scraper({ 'metrics.enabled' => true, 'port' => 8443, 'enable_ssl' => true, 'metrics.server_name' => 'promfetch.service.cf.internal', 'metrics.scrape_interval' => '30s',
                  'metrics.labels' => { 'origin' => 'promfetch', 'n' => 1 }, 'access' => 'protected', 'metrics.operator' => 'prom',
                  'operators' => [{ 'name' => 'prom', 'password' => 'a long: password' }] })
    assert_equal({ 'port' => 8443, 'source_id' => 'promfetch', 'instance_id' => '3f0c-id', 'path' => '/metrics', 'scheme' => 'https', 'server_name' => 'promfetch.service.cf.internal',
                   'scrape_interval' => '30s', 'labels' => { 'origin' => 'promfetch', 'n' => '1' }, 'headers' => { 'Authorization' => "Basic #{['prom:a long: password'].pack('m0')}" } }, all)
  end

  def test_prom_scraper_without_a_login_that_works_is_refused
    [{ 'access' => 'protected' }, { 'metrics.operator' => 'nobody' }, { 'metrics.operator' => 'hashed', 'operators' => [{ 'name' => 'hashed', 'password_hash' => 'x' }] }].each do |properties|
      assert_includes assert_raises(RuntimeError) { scraper(properties.merge('metrics.enabled' => true)) }.message, 'property `metrics.operator`'
    end
  end

  # ---- errands

  # Variables as bash reads them.
  def variables(text, *names)
    script = "#{text}\nfor name in #{names.join(' ')}; do printf '%s\\0' \"${!name}\"; done"
    out, err, status = Harness.run('bash', '-eu', input: script)
    assert_predicate status, :success?, err
    names.zip(out.split("\0", -1)).to_h
  end

  NASTY = "a'b\"c$(touch /tmp/x)`id` \\ #ü\nd"

  def cf
    { 'cf.api_url' => 'https://api.example.org', 'cf.username' => 'admin', 'cf.password' => NASTY }
  end

  def promfetch_link
    Harness::Link.new('promfetch', properties: { 'base_url' => 'https://promfetch.example.org/', 'port' => 8085, 'health_check_port' => 8080, 'enable_ssl' => false,
                                                 'broker' => { 'user' => 'link-user', 'pass' => 'link-pass', 'service_name' => 'metrics' } }, addresses: %w[10.0.0.1 10.0.0.2])
  end

  def registrar(properties, links: [])
    job('promfetch-broker-registrar').render('config/settings.sh', properties, links: links)
  end

  def test_the_registrar_learns_from_the_link_and_properties_win
    names = %w[api cf_user cf_secret broker_name broker_url broker_user broker_pass offering as_client]
    assert_equal({ 'api' => 'https://api.example.org', 'cf_user' => 'admin', 'cf_secret' => NASTY, 'broker_name' => 'promfetch', 'broker_url' => 'https://promfetch.example.org/broker',
                   'broker_user' => 'link-user', 'broker_pass' => 'link-pass', 'offering' => 'metrics', 'as_client' => 'false' }, variables(registrar(cf, links: [promfetch_link]), *names))
    own = { 'broker.name' => 'my broker', 'broker.url' => 'https://x/broker', 'broker.user' => 'me', 'broker.pass' => NASTY, 'broker.service_name' => 'mine', 'cf.client_id' => 'id', 'cf.client_secret' => 'geheim' }
    assert_equal ['https://api.example.org', 'id', 'geheim', 'my broker', 'https://x/broker', 'me', NASTY, 'mine', 'true'], variables(registrar(cf.merge(own), links: [promfetch_link]), *names).values
  end

  def test_the_registrar_of_promfetcher_release
    old = { 'promfetcher' => { 'base_url' => 'https://promfetcher.example.org', 'broker' => { 'name' => 'promfetcher', 'username' => 'promfetcher-broker', 'password' => 'p' } } }
    assert_equal %w[promfetcher https://promfetcher.example.org/broker promfetcher-broker p promfetcher], variables(registrar(old.merge(cf)), *%w[broker_name broker_url broker_user broker_pass offering]).values
  end

  def test_what_the_errands_need
    { 'cf.api_url' => [{ 'cf.username' => 'x' }, promfetch_link], 'cf.username' => [{ 'cf.api_url' => 'x' }, promfetch_link], 'cf.password' => [{ 'cf.api_url' => 'x', 'cf.username' => 'x' }, promfetch_link],
      'cf.client_secret' => [{ 'cf.api_url' => 'x', 'cf.client_id' => 'x' }, promfetch_link], 'broker.url' => [cf, nil] }.each do |name, (properties, link)|
      assert_equal "property `#{name}`: is required", assert_raises(RuntimeError) { registrar(properties, links: [link].compact) }.message
    end
  end

  def test_the_deregistrar
    text = job('promfetch-broker-deregistrar').render('config/settings.sh', cf.merge('broker.purge' => true), links: [promfetch_link])
    assert_equal %w[promfetch metrics true], variables(text, 'broker_name', 'offering', 'purge').values
    text = job('promfetch-broker-deregistrar').render('config/settings.sh', cf.merge('broker.name' => 'promfetcher'))
    assert_equal %w[promfetcher promfetcher false], variables(text, 'broker_name', 'offering', 'purge').values
  end

  def test_the_smoke_tests
    smoke = job('promfetch-smoke-tests')
    text = smoke.render('config/settings.sh', { 'app' => 'a/b/c' }, links: [promfetch_link])
    assert_includes text, "urls=(http://10.0.0.1:8085 http://10.0.0.2:8085)\n"
    assert_includes text, "health_urls=(http://10.0.0.1:8080 http://10.0.0.2:8080)\n"
    text = smoke.render('config/settings.sh', { 'urls' => ['https://x'] }, links: [promfetch_link])
    assert_includes text, "urls=(https://x)\nhealth_urls=(http://10.0.0.1:8080 http://10.0.0.2:8080)\n"
    assert_includes smoke.render('config/settings.sh', { 'urls' => ['https://x'] }), "urls=(https://x)\nhealth_urls=()\n"
    assert_equal "me:a:b\n", smoke.render('config/login', { 'login.user' => 'me', 'login.password' => 'a:b' })
    { 'urls' => {}, 'timeout' => { 'urls' => ['x'], 'timeout' => '60' }, 'metric' => { 'urls' => ['x'], 'metric' => 'a.*' } }.each do |name, properties|
      assert_includes assert_raises(RuntimeError) { smoke.render('config/settings.sh', properties) }.message, "property `#{name}`"
    end
  end

  # ---- backup

  def backup(properties, links: [])
    JSON.parse(job('bbr-promfetchdb').render('config/database.json', { 'release_level_backup' => true }.merge(properties), links: links))
  end

  def own_link(database)
    Harness::Link.new('promfetch-db', properties: { 'db_conn' => '', 'db' => { 'scheme' => '', 'host' => '', 'port' => '', 'user' => '', 'password' => '', 'name' => '', 'ca_cert' => '',
                                                                               'verify_hostname' => true, 'client_cert' => '', 'client_key' => '' }.merge(database) })
  end

  def test_backup_of_mysql
    link = own_link('host' => 'sql-db.service.cf.internal', 'user' => 'promfetch', 'password' => 'p"', 'name' => 'promfetch', 'ca_cert' => PEM)
    assert_equal({ 'adapter' => 'mysql', 'host' => 'sql-db.service.cf.internal', 'port' => 3306, 'username' => 'promfetch', 'password' => 'p"', 'database' => 'promfetch',
                   'tls' => { 'cert' => { 'ca' => PEM }, 'skip_host_verify' => false } }, backup({}, links: [link]))
    assert_equal %w[own 3307], backup({ 'db.host' => 'own', 'db.port' => '3307' }, links: [link]).values_at('host', 'port').map(&:to_s)
  end

  def test_backup_of_postgres
    server = Harness::Link.new('database', address: 'db.internal', properties: { 'databases' => { 'port' => 5524, 'tls' => { 'ca' => PEM }, 'roles' => [{ 'name' => 'promfetch', 'password' => 'r' }] } })
    assert_equal({ 'adapter' => 'postgres', 'host' => 'db.internal', 'port' => 5524, 'username' => 'promfetch', 'password' => 'r', 'database' => 'promfetch',
                   'tls' => { 'cert' => { 'ca' => PEM }, 'skip_host_verify' => true } },
                 backup({ 'db.verify_hostname' => false }, links: [own_link('user' => 'promfetch', 'name' => 'promfetch'), server]))
    own = { 'db.scheme' => 'postgres', 'db.host' => 'h', 'db.user' => 'u', 'db.password' => 'p', 'db.name' => 'n', 'db.ca_cert' => PEM, 'db.client_cert' => PEM, 'db.client_key' => 'k' }
    assert_equal({ 'ca' => PEM, 'certificate' => PEM, 'private_key' => 'k' }, backup(own)['tls']['cert'])
    assert_equal ['postgres', 5432], backup(own).values_at('adapter', 'port')
  end

  def test_backup_with_the_names_of_promfetcher_release
    old = { 'promfetcher.database.user' => 'promfetcher', 'promfetcher.database.password' => 'p', 'promfetcher.database.name' => 'promfetcher' }
    assert_equal ['mysql', 'sql-db.service.cf.internal', 3306, 'promfetcher'], backup(old).values_at('adapter', 'host', 'port', 'database')
    assert_equal ['db', 3310], backup(old.merge('promfetcher.database.host' => 'db', 'promfetcher.database.port' => 3310)).values_at('host', 'port')
  end

  def test_what_a_backup_needs
    assert_equal({}, JSON.parse(job('bbr-promfetchdb').render('config/database.json')), 'switched off it needs nothing')
    { '`db.user`' => {}, '`db.host`' => { 'db.user' => 'u', 'db.name' => 'n' }, '`db.scheme`' => { 'db.user' => 'u', 'db.scheme' => 'sqlite' } }.each do |name, properties|
      assert_includes assert_raises(RuntimeError) { backup(properties) }.message, name
    end
    link = Harness::Link.new('promfetch-db', properties: { 'db_conn' => 'mysql://u:p@h/n' })
    assert_includes assert_raises(RuntimeError) { backup({}, links: [link]) }.message, 'one URL, `db_conn`'
  end
end

# frozen_string_literal: true

# The rendered job promfetch runs: configuration, links, scripts and the program together, on a real nats-server with TLS and
# app instances that ask for client certificates.

require_relative 'harness/machine'

class RunningTest < Minitest::Test
  include Harness::Machine

  def drain_log
    File.read(File.join(@root, 'sys/log/promfetch/drain.log'))
  end

  def test_the_job_serves_and_drains_without_losing_a_request
    install
    out, err, status = script('pre-start')
    assert_predicate status, :success?, err
    assert_equal 'ok', out.strip
    secrets = %w[promfetch.yml operator-passwords prom_scraper_config.yml certs/db_ca.crt certs/db_client.crt certs/db_client.key].map { |file| File.join(@root, 'jobs/promfetch/config', file) }
    secrets.each { |file| assert_equal '600', format('%o', File.stat(file).mode & 0o777), file }
    assert_equal ['vcap:vcap', *secrets].sort, File.read(File.join(@root, 'chown.log')).split.sort

    pid = started
    assert_match(/^promfetch_up\{.*index="1".*\} 1$/, get(PAGE).body)
    assert_equal '401', get(PAGE, password: 'another one').code
    # Of the operator only the hash is in the process, and on no command line anything.
    environment = File.read("/proc/#{pid}/environ")
    assert_includes environment, 'PROMFETCH_OPERATORS__0__PASSWORD_HASH=$argon2id$'
    [environment, File.read("/proc/#{pid}/cmdline")].each { |text| refute_includes text, OPERATOR }
    # The broker, on a file of the persistent disk.
    assert_equal '200', get('/broker/v2/catalog', user: 'cloud-controller', password: BROKER) { |request| request['X-Broker-API-Version'] = '2.17' }.code
    assert_path_exists File.join(@root, 'store/promfetch/promfetch.db')
    assert_predicate script('dns/healthy').last, :success?
    # Other commands with the job's configuration; what they learn in one second is not the point.
    %w[explain fetch].each { |command| assert_equal 1, Harness.run(File.join(@root, 'jobs/promfetch/bin/run'), command, '--wait', '1', 'acme/prod/none').last.exitstatus, command }

    drain_under_load(pid)
  end

  # Callers as they are behind a load balancer, which leaves when the health port says so, and not at once.
  def drain_under_load(pid)
    left = false
    answers = Queue.new
    callers = Array.new(8) do
      Thread.new do
        until left
          answers << begin
            answer = get(PAGE)
            [answer.code, answer.body.scan(/^requests\{/).size]
          rescue StandardError => e
            [e.class.name, e.message]
          end
        end
      end
    end
    before = Harness.eventually('callers are at work') { answers.size > 20 && answers.size }

    printed = nil
    draining = Thread.new { printed = script('drain') }
    Harness.eventually('DNS leaves the instance out') { !script('dns/healthy').last.success? }
    assert_predicate draining, :alive?, 'it serves on while it is unhealthy'
    during = answers.size
    Harness.eventually('callers are still served') { answers.size > during + 20 }
    left = true
    callers.each(&:join)
    # Some are at work when the port closes, for 1.5 s each. One that finds the port closed was never sent.
    slow = Array.new(6) do |number|
      Thread.new do
        sleep number * 0.4
        get("#{PAGE}?metric_path=/slow").then { |answer| [answer.code, answer.body.scan(/^requests\{/).size] }
      rescue Errno::ECONNREFUSED
        nil
      end
    end
    slow = slow.map(&:value)

    draining.join
    out, err, status = printed
    assert_equal ["0\n", '', true], [out, err, status.success?], 'a number alone, and that is for now'
    assert_equal 0, @ended.value.exitstatus
    refute_path_exists pidfile
    assert_match(/process #{pid} ended after/, drain_log)
    assert_equal [['200', 2]], slow.compact.uniq
    all = Array.new(answers.size) { answers.pop }
    assert_operator all.size, :>, before
    assert_equal [['200', 2]], all.uniq, 'not one request was lost'
  end

  def test_smoke_tests
    install
    started
    link = Harness::Link.new('promfetch', properties: { 'port' => @api, 'health_check_port' => @health, 'enable_ssl' => false }, addresses: ['127.0.0.1'])
    login = { 'login.user' => 'prometheus', 'login.password' => OPERATOR, 'app' => 'acme/prod/shop', 'timeout' => 20 }
    smoke = lambda do |more|
      Harness::Job.new('promfetch-smoke-tests').install(@root, login.merge(more), links: [link])
      assert_predicate script('pre-start', job: 'promfetch-smoke-tests').last, :success?
      script('run', job: 'promfetch-smoke-tests')
    end
    out, err, status = smoke.call('metric' => 'requests')
    assert_predicate status, :success?, err
    assert_includes out, "fetched: acme/prod/shop from http://127.0.0.1:#{@api}, 2 instances up\n"
    assert_equal '600', format('%o', File.stat(File.join(@root, 'jobs/promfetch-smoke-tests/config/login')).mode & 0o777)
    assert_includes smoke.call('app' => '').first, 'only readiness was looked at'
    { 'no metrics of acme/prod/shopp' => { 'app' => 'acme/prod/shopp' }, 'no metrics of acme/prod/shop' => { 'login.password' => 'another password' }, 'has no sold_total' => { 'metric' => 'sold_total' },
      'is not ready' => { 'health_urls' => ["http://127.0.0.1:#{Harness.free_port}"], 'timeout' => 1 } }.each do |said, more|
      _out, err, status = smoke.call(more)
      assert_equal [1, true], [status.exitstatus, err.include?(said)], err
    end
  end

  def test_pre_start_names_what_is_wrong
    install({ 'formats' => ['xml'] })
    _out, err, status = script('pre-start')
    assert_equal 64, status.exitstatus
    assert_match(/`formats\[0\]`: expected one of/, err)
  end

  def test_pre_start_checks_operators_with_their_passwords
    install({ 'operators' => [{ 'name' => 'a', 'password' => 'twelve times x' }, { 'name' => 'b', 'password' => '  leading blanks' }] })
    out, err, status = script('pre-start')
    assert_equal ['ok', true], [out.strip, status.success?], err
  end

  def test_post_start_gives_up_and_says_why
    @nats.stop
    install({ 'ready_timeout' => '1s' })
    pid = bpm_start
    _out, err, status = script('post-start')
    assert_equal 1, status.exitstatus
    assert_match(/promfetch was not ready after 2 s; .*"status":"starting".*nats/m, err)
    assert Process.kill(0, pid), 'the process goes on: NATS may come'
    refute_predicate script('dns/healthy').last, :success?
  end

  def test_drain_without_a_process
    install
    assert_equal ["0\n", ''], script('drain').first(2)
    assert_match(/no process/, drain_log)
    FileUtils.mkdir_p(File.dirname(pidfile))
    gone = Process.spawn('true').tap { |pid| Process.wait(pid) }
    File.write(pidfile, gone.to_s)
    assert_equal ["0\n", ''], script('drain').first(2)
    assert_match(/process #{gone} has ended already/, drain_log)
    refute_path_exists pidfile
  end

  def test_drain_does_not_wait_for_ever
    install({ 'drain_wait' => '500ms', 'drain_timeout' => '500ms' })
    FileUtils.mkdir_p(File.dirname(pidfile))
    ready = File.join(@root, 'ready')
    @pids << Process.spawn('bash', '-c', "trap '' USR1; touch #{ready}; exec sleep 600")
    Harness.eventually('the deaf process is there') { File.exist?(ready) }
    File.write(pidfile, @pids.last.to_s)
    assert_equal ["0\n", ''], script('drain').first(2)
    assert_match(/is still there after 1 s; it will be stopped/, drain_log)
    assert_path_exists pidfile, 'monit and bpm need it'
  end
end

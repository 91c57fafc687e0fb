# frozen_string_literal: true

# A machine of BOSH as far as the job promfetch sees one: /var/vcap is a temporary folder, bpm a few lines that read its file.
# Beside it a nats-server with TLS and two app instances that ask for client certificates.

require 'net/http'
require_relative 'suite'
require_relative 'platform'

module Harness
  # For tests to include.
  module Machine
    OPERATOR = "prometheus' own: p@ss \\ word"
    BROKER = 'password of the broker'
    PAGE = '/v1/apps/acme/prod/shop/metrics'

    def setup
      program = Harness.promfetch
      @pids = []
      @root = File.realpath(Dir.mktmpdir)
      @authority = Harness::Authority.new('instance identity')
      @nats_authority = Harness::Authority.new('nats')
      @nats = Harness::Nats.new(@root, @nats_authority)
      @instances = [Harness::AppInstance.new(@authority, 0, delay: 1.5), Harness::AppInstance.new(@authority, 1, delay: 1.5)]
      FileUtils.mkdir_p(File.join(@root, 'packages/promfetch/bin'))
      FileUtils.ln_s(program, File.join(@root, 'packages/promfetch/bin/promfetch'))
      # There is no user vcap here; what chown is called for is written down.
      FileUtils.mkdir_p(File.join(@root, 'shims'))
      File.write(File.join(@root, 'shims/chown'), "#!/bin/sh\necho \"$@\" >>#{@root}/chown.log\n")
      File.chmod(0o755, File.join(@root, 'shims/chown'))
    end

    def teardown
      Array(@pids).each do |pid|
        Process.kill('KILL', pid)
        Process.wait(pid)
      rescue Errno::ESRCH, Errno::ECHILD
        nil
      end
      @nats&.stop
      Array(@instances).each(&:stop)
      FileUtils.rm_rf(@root) if @root
    end

    def properties(more = {})
      client, client_key = @nats_authority.issue('nats.client.cf.internal')
      router, router_key = @authority.issue('gorouter.service.cf.internal')
      @api ||= Harness.free_port
      @health ||= Harness.free_port
      { 'nats.cert_chain' => client, 'nats.private_key' => client_key, 'backends.cert_chain' => router, 'backends.private_key' => router_key, 'ca_certs' => @authority.pem,
        'targets_allow' => ['127.0.0.0/8'], 'port' => @api, 'health_check_port' => @health, 'start_response_delay_interval' => '500ms', 'access' => 'protected',
        'operators' => [{ 'name' => 'prometheus', 'password' => OPERATOR }], 'broker.user' => 'cloud-controller', 'broker.pass' => BROKER, 'broker.secret_key' => 'k4v0XrVh3q2mD8sJ0tYw9bN1cLzQeA6u',
        'broker.broker_service_id' => '8c2e71d5-3f96-4b08-a7d4-6b19e0c85a43', 'broker.broker_plan_id' => 'e2900be3-709b-419e-b63b-de3aabcd9e15', 'drain_wait' => '3s', 'drain_timeout' => '20s' }.merge(more)
    end

    def install(more = {}, links: [@nats.link])
      Harness::Job.new('promfetch').install(@root, properties(more), links: links)
    end

    def script(name, job: 'promfetch')
      Harness.run(File.join(@root, 'jobs', job, 'bin', name), env: { 'PATH' => "#{@root}/shims:#{ENV.fetch('PATH')}" })
    end

    # What `bpm start promfetch` does, as far as a process sees it.
    def bpm_start
      process = YAML.safe_load(File.read(File.join(@root, 'jobs/promfetch/config/bpm.yml')))['processes'][0]
      FileUtils.mkdir_p(File.join(@root, 'store/promfetch')) if process['persistent_disk']
      logs = File.join(@root, 'sys/log/promfetch')
      FileUtils.mkdir_p([logs, File.join(@root, 'sys/run/bpm/promfetch')])
      pid = Process.spawn(process['executable'], *process['args'], out: [File.join(logs, 'promfetch.stdout.log'), 'a'], err: [File.join(logs, 'promfetch.stderr.log'), 'a'],
                                                                  chdir: '/', rlimit_nofile: [4096, 4096])
      @pids << pid
      # Somebody has to wait for it, or it would still be there for the drain script after its end.
      @ended = Process.detach(pid)
      File.write(pidfile, "#{pid}\n")
      pid
    end

    def pidfile
      File.join(@root, 'sys/run/bpm/promfetch/promfetch.pid')
    end

    def service_log
      File.read(File.join(@root, 'sys/log/promfetch/promfetch.stderr.log'))
    end

    def register
      @instances.each { |instance| @nats.publish('router.register', instance.registration('shop')) }
    end

    def get(path, user: 'prometheus', password: OPERATOR, tls: false)
      request = Net::HTTP::Get.new(path)
      request.basic_auth(user, password) if user
      yield request if block_given?
      Net::HTTP.start('127.0.0.1', @api, nil, use_ssl: tls, verify_mode: OpenSSL::SSL::VERIFY_NONE) { |http| http.request(request) }
    end

    def started
      pid = bpm_start
      out, err, status = script('post-start')
      assert_predicate status, :success?, err + service_log
      assert_match(/\Aready after \d+ s: \{"status":"ready"/, out)
      register
      Harness.eventually('both instances are on the page') { get('/v1/apps/acme/prod/shop/metrics').body.scan(/^requests\{/).size == 2 }
      pid
    end
  end
end

# frozen_string_literal: true

# A little platform on real parts: authorities and certificates, a nats-server with TLS that asks for client certificates, app
# instances that ask for them too, and what an emitter says of them.

require 'json'
require 'openssl'
require 'socket'

module Harness
  # An authority, and what it issues.
  class Authority
    def initialize(name)
      @key = OpenSSL::PKey::EC.generate('prime256v1')
      @certificate = certificate(name, @key, [['basicConstraints', 'CA:TRUE', true], ['keyUsage', 'keyCertSign, cRLSign', true]])
      @certificate.sign(@key, 'SHA256')
    end

    def pem
      @certificate.to_pem
    end

    # For these DNS names or addresses, for servers and clients alike: certificate and key, as PEM texts.
    def issue(*names)
      key = OpenSSL::PKey::EC.generate('prime256v1')
      alternative = names.map { |name| name.match?(/\A[\d.]+\z/) ? "IP:#{name}" : "DNS:#{name}" }.join(', ')
      issued = certificate(names.first, key, [['subjectAltName', alternative, false], ['extendedKeyUsage', 'serverAuth, clientAuth', false]])
      issued.issuer = @certificate.subject
      issued.sign(@key, 'SHA256')
      # PKCS 8, as credhub's keys can be read too.
      [issued.to_pem, key.private_to_pem]
    end

    private

    def certificate(name, key, extensions)
      made = OpenSSL::X509::Certificate.new
      made.version = 2
      made.serial = rand(1..(2**64))
      made.subject = made.issuer = OpenSSL::X509::Name.new([['CN', name]])
      made.public_key = key
      made.not_before = Time.now - 3600
      made.not_after = Time.now + 86_400
      factory = OpenSSL::X509::ExtensionFactory.new(made, made)
      extensions.each { |extension| made.add_extension(factory.create_extension(*extension)) }
      made
    end
  end

  def self.free_port
    server = TCPServer.new('127.0.0.1', 0)
    server.addr[1]
  ensure
    server&.close
  end

  # nats-server as cf-deployment has it: user, password and client certificate.
  class Nats
    attr_reader :port

    def initialize(folder, authority)
      @authority = authority
      @port = Harness.free_port
      certificate, key = authority.issue('127.0.0.1', 'nats.service.cf.internal')
      files = { 'ca' => authority.pem, 'cert' => certificate, 'key' => key }.to_h do |name, text|
        file = File.join(folder, "nats.#{name}")
        File.write(file, text)
        ["#{name}_file", file]
      end
      config = File.join(folder, 'nats.conf')
      File.write(config, JSON.generate('host' => '127.0.0.1', 'port' => @port, 'authorization' => { 'user' => 'nats', 'password' => 's3cret' }, 'tls' => files.merge('verify' => true)))
      program = ENV['PATH'].split(':').concat(%w[/usr/sbin /sbin]).map { |at| File.join(at, 'nats-server') }.find { |file| File.executable?(file) } or raise 'nats-server is not installed'
      @pid = Process.spawn(program, '-c', config, %i[out err] => File.join(folder, 'nats.log'))
      Harness.eventually('nats-server listens') { TCPSocket.new('127.0.0.1', @port).close || true rescue nil }
    end

    # The link that nats-release provides.
    def link
      Link.new('nats-tls', properties: { 'nats' => { 'user' => 'nats', 'password' => 's3cret', 'port' => @port, 'external' => { 'tls' => { 'ca' => @authority.pem } } } }, addresses: ['127.0.0.1'])
    end

    def publish(subject, message)
      body = JSON.generate(message)
      connection.write("PUB #{subject} #{body.bytesize}\r\n#{body}\r\nPING\r\n")
      # Until the server has read it.
      nil until connection.gets.start_with?('PONG')
    end

    def stop
      Process.kill('KILL', @pid)
      Process.wait(@pid)
    rescue Errno::ESRCH, Errno::ECHILD
      nil
    end

    private

    def connection
      @connection ||= begin
        plain = TCPSocket.new('127.0.0.1', @port)
        plain.gets
        context = OpenSSL::SSL::SSLContext.new
        certificate, key = @authority.issue('route-emitter')
        context.cert = OpenSSL::X509::Certificate.new(certificate)
        context.key = OpenSSL::PKey.read(key)
        secure = OpenSSL::SSL::SSLSocket.new(plain, context)
        secure.sync_close = true
        secure.connect
        secure.write("CONNECT #{JSON.generate('user' => 'nats', 'pass' => 's3cret', 'verbose' => false, 'tls_required' => true)}\r\n")
        secure
      end
    end
  end

  # An app instance behind its proxy: TLS with the instance's own name, for clients with the name of gorouter alone.
  class AppInstance
    attr_reader :port, :guid

    def initialize(authority, index, delay: 0)
      @guid = format('0f2c3f6e-7f0e-4a53-8f64-6e5f3a0c9a%02d', index)
      @index = index
      @delay = delay
      certificate, key = authority.issue(@guid)
      context = OpenSSL::SSL::SSLContext.new
      context.cert = OpenSSL::X509::Certificate.new(certificate)
      context.key = OpenSSL::PKey.read(key)
      context.verify_mode = OpenSSL::SSL::VERIFY_PEER | OpenSSL::SSL::VERIFY_FAIL_IF_NO_PEER_CERT
      context.cert_store = OpenSSL::X509::Store.new.add_cert(OpenSSL::X509::Certificate.new(authority.pem))
      tcp = TCPServer.new('127.0.0.1', 0)
      @port = tcp.addr[1]
      @server = OpenSSL::SSL::SSLServer.new(tcp, context)
      @server.start_immediately = false
      @thread = Thread.new { loop { accept } }
    end

    # What route-emitter says of it.
    def registration(app)
      { 'host' => '127.0.0.1', 'port' => 0, 'tls_port' => @port, 'uris' => ["#{app}.apps.example.org"], 'app' => "#{app}-guid", 'private_instance_id' => @guid,
        'private_instance_index' => @index.to_s, 'server_cert_domain_san' => @guid,
        'tags' => { 'component' => 'route-emitter', 'organization_name' => 'acme', 'space_name' => 'prod', 'app_name' => app, 'organization_id' => 'o', 'space_id' => 's',
                    'app_id' => '8c2e71d5-3f96-4b08-a7d4-6b19e0c85a42', 'process_type' => 'web', 'instance_id' => @index.to_s, 'process_instance_id' => @guid } }
    end

    def stop
      @thread.kill
      @server.close
    end

    private

    def accept
      client = @server.accept
      Thread.new do
        client.accept
        names = client.peer_cert.extensions.find { |one| one.oid == 'subjectAltName' }.value
        serve(client) if names.include?('DNS:gorouter.service.cf.internal')
      rescue OpenSSL::SSL::SSLError, SystemCallError, IOError
        nil
      ensure
        client.close
      end
    rescue IOError, SystemCallError
      sleep 0.05
    end

    def serve(client)
      while (line = client.gets)
        nil until ["\r\n", nil].include?(client.gets)
        sleep @delay if line.start_with?('GET /slow')
        body = "# TYPE requests counter\nrequests #{@index + 1}\n"
        client.write("HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: #{body.bytesize}\r\n\r\n#{body}")
      end
    end
  end
end

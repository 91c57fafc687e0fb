# Programs that tests start on this machine: they end with the test, whatever happens in it.

require "net/http"
require "open3"
require "socket"
require "tmpdir"

module Running
  module_function

  def promfetch
    ENV.fetch("PROMFETCH") { abort "PROMFETCH=path of the promfetch program is missing" }
  end

  # Starts a program and gives its process id; its output goes to `log`.
  def start(log, *command, environment: {})
    pid = Process.spawn(environment, *command, in: File::NULL, out: log, err: %i[child out])
    at_exit { stop(pid) }
    pid
  end

  def stop(pid)
    Process.kill("TERM", pid)
    deadline = now + 20
    until Process.wait(pid, Process::WNOHANG)
      Process.kill("KILL", pid) if now > deadline
      sleep 0.05
    end
  rescue Errno::ESRCH, Errno::ECHILD
    nil
  end

  # What the block gives as soon as it is not nil or false; an error, with what the last try said, after the time.
  def eventually(what, seconds: 60)
    deadline = now + seconds
    last = nil
    loop do
      begin
        found = yield
        return found if found
      rescue SystemCallError, IOError, Net::ReadTimeout, Net::OpenTimeout => error
        last = error.message
      end
      raise "#{what}: not within #{seconds} s#{last && " (#{last})"}" if now > deadline

      sleep 0.2
    end
  end

  def now
    Process.clock_gettime(Process::CLOCK_MONOTONIC)
  end

  def free_port
    TCPServer.open("127.0.0.1", 0) { |server| server.addr[1] }
  end

  def get(url, headers = {})
    uri = URI(url)
    Net::HTTP.start(uri.host, uri.port, read_timeout: 30) { |http| http.get(uri.request_uri, headers) }
  end
end

# manifests/systemd: systemd takes the unit, finds it hardened, and what it allows is enough. The program is another one
# than /usr/bin/promfetch here, so the unit that is checked has its path.
#
#     PROMFETCH=target/debug/promfetch ruby tests/bosh/service_unit.rb

require "minitest/autorun"
require_relative "support/running"

ROOT = File.expand_path("../..", __dir__)
UNIT = File.join(ROOT, "manifests/systemd/promfetch.service")

class ServiceUnit < Minitest::Test
  def unit
    File.read(UNIT)
  end

  def with_own_program
    Dir.mktmpdir("promfetch-unit") do |folder|
      file = File.join(folder, "promfetch.service")
      File.write(file, unit.gsub("/usr/bin/promfetch", File.expand_path(Running.promfetch)))
      yield file
    end
  end

  def test_systemd_takes_it
    skip "no systemd-analyze" unless system("command -v systemd-analyze >/dev/null")
    with_own_program do |file|
      output, status = Open3.capture2e("systemd-analyze", "verify", "--man=no", file)
      assert status.success?, output
      assert_empty output
    end
  end

  # 10 is a service that may do everything.
  def test_it_is_hardened
    skip "no systemd-analyze" unless system("command -v systemd-analyze >/dev/null")
    with_own_program do |file|
      output, status = Open3.capture2e("systemd-analyze", "security", "--offline=true", "--threshold=15", file)
      skip output if output.include?("unrecognized option")
      assert status.success?, output.lines.last(3).join
    end
  end

  def test_it_stops_as_promfetch_does
    # 20 s of drain and 15 s for what is open, with room.
    assert_operator Integer(unit[/^TimeoutStopSec=(\d+)s/, 1]), :>=, 45
    assert_match(/^RestartPreventExitStatus=64$/, unit)
    assert_equal unit[/^User=(\w+)/, 1], File.read(File.join(ROOT, "manifests/systemd/promfetch.sysusers"))[/^u (\w+)/, 1]
  end

  def test_its_commands_are_promfetch_s
    unit.scan(%r{^Exec\w+=/usr/bin/promfetch (\S+)}).flatten.each do |command|
      output, status = Open3.capture2e(Running.promfetch, command, "--help")
      assert status.success?, output
    end
  end
end

# manifests/docker, where no image can be built: the root file system is made by the image's own script and the program runs
# in it; and the Dockerfile names what is there.
#
#     PROMFETCH=target/debug/promfetch ruby tests/bosh/container.rb

require "minitest/autorun"
require_relative "support/running"

ROOT = File.expand_path("../..", __dir__)
DOCKER = File.join(ROOT, "manifests/docker")

class Container < Minitest::Test
  def dockerfile
    File.read(File.join(DOCKER, "Dockerfile"))
  end

  def test_the_image_is_small_and_not_root
    last = dockerfile.split(/^FROM /).last
    assert_match(/\Ascratch$/, last)
    assert_match(/^USER (\d+):\1$/, last)
    refute_match(/^USER 0/, last)
    assert_match(/^RUN manifests\/docker\/make-root /, dockerfile)
    assert File.executable?(File.join(DOCKER, "make-root"))
    assert_match(/^ENTRYPOINT \["/, last, "a shell is not there to start it")
  end

  def test_the_program_runs_in_its_root
    Dir.mktmpdir("promfetch-root") do |root|
      output, status = Open3.capture2e(File.join(DOCKER, "make-root"), Running.promfetch, root)
      assert status.success?, output
      files = Dir.glob("**/*", base: root).select { |path| File.file?(File.join(root, path)) }
      allowed = %r{\A(usr/bin/promfetch|etc/(passwd|group|nsswitch\.conf|ssl/certs/ca-certificates\.crt)|(usr/)?lib(64)?/.*\.so(\.\d+)*)\z}
      assert_empty files.grep_v(allowed)
      skip "no user namespaces here" unless system("unshare --map-root-user true 2>/dev/null")
      { %w[--version] => /\Apromfetch \d/, %w[check-config --help] => /configuration/i }.each do |arguments, expected|
        output, status = Open3.capture2e("unshare", "--map-root-user", "chroot", root, "/usr/bin/promfetch", *arguments)
        assert status.success?, output
        assert_match expected, output
      end
    end
  end
end

# frozen_string_literal: true

# The release as a folder: that `bosh create-release` would take it once scripts/create-release has run, that its packages
# build offline from what is in it, its scripts' style, and that README tells of all properties.

require_relative 'harness/suite'
require_relative 'harness/release'

class ReleaseTest < Minitest::Test
  SHELL = %w[bin/ config/settings.sh].freeze

  def setup
    @folder = File.realpath(Dir.mktmpdir)
  end

  def teardown
    FileUtils.rm_rf(@folder)
  end

  def put(path, text, mode: 0o755)
    file = File.join(@folder, path)
    FileUtils.mkdir_p(File.dirname(file))
    File.write(file, text)
    File.chmod(mode, file)
    file
  end

  def shellcheck(*files)
    out, err, status = Harness.run('shellcheck', '--shell=bash', '--external-sources', *files)
    assert_predicate status, :success?, out + err
  end

  # ---- style

  def test_shellcheck_of_scripts_and_packaging
    shellcheck(*Dir[File.join(Harness::RELEASE, '{scripts/*,packages/*/packaging}')].select { |file| File.read(file, 20).match?(/\A#!.*bash/) })
  end

  def test_shellcheck_of_rendered_templates
    link = Harness::Link.new('promfetch', properties: { 'base_url' => 'https://x', 'broker' => { 'user' => 'u', 'pass' => 'p' } })
    errand = [{ 'cf.api_url' => 'https://api', 'cf.username' => 'u', 'cf.password' => "p'" }, [link]]
    given = { 'promfetch-broker-registrar' => errand, 'promfetch-broker-deregistrar' => errand, 'promfetch-smoke-tests' => [{ 'app' => 'a/b/c' }, [link]] }
    files = Harness::Job.all.flat_map do |job|
      properties, links = given.fetch(job.name, [{}, []])
      job.render_all(properties, links: links).select { |path, _| path.start_with?(*SHELL) }.map { |path, text| put("#{job.name}/#{path}", text) }
    end
    assert_operator files.size, :>, 15
    shellcheck(*files)
  end

  def test_scripts_are_executable_and_begin_alike
    Dir[File.join(Harness::RELEASE, 'scripts/*')].each { |file| assert File.executable?(file), file }
    Harness::Job.all.each do |job|
      job.templates.select { |_, path| path.start_with?('bin/') }.each_key do |template|
        assert_equal "#!/usr/bin/env bash\n", File.open(job.source(template), &:readline), "#{job.name}: #{template}"
      end
    end
  end

  # ---- README

  def test_readme_has_the_properties_of_all_specs
    out, err, status = Harness.run('ruby', File.join(Harness::RELEASE, 'scripts/write-readme'), '--check')
    assert_predicate status, :success?, "#{out}#{err}run bosh/scripts/write-readme"
  end

  # ---- create-release

  # A copy of the repository under git, as scripts/create-release copies what git knows. Made once, and copied from there.
  def repository
    copy = File.join(@folder, 'repository')
    Harness.run('cp', '-a', self.class.original, copy)
    copy
  end

  def self.original
    @original ||= Dir.mktmpdir.then { |folder| File.realpath(folder) }.tap do |folder|
      Minitest.after_run { FileUtils.rm_rf(folder) }
      script = <<~SH
        set -euo pipefail
        git -C "$1" ls-files -z --cached --others --exclude-standard -- ':!tests/corpus' ':!ffi/go' ':!ffi/python' ':!docs' |
            tar --create --directory "$1" --null --files-from - | tar --extract --directory "$2"
        git -C "$2" init --quiet
        git -C "$2" add --all
      SH
      _out, err, status = Harness.run('bash', '-c', script, 'copy', Harness::REPOSITORY, folder)
      raise err unless status.success?
    end
  end

  # The real cargo describes the workspace, which needs neither a network nor a build.
  CARGO = ENV.fetch('PATH').split(':').map { |at| File.join(at, 'cargo') }.find { |file| File.executable?(file) }

  # cargo that vendors one crate, and bosh that says how it was called.
  def tools
    put('tools/cargo', <<~SH)
      #!/usr/bin/env bash
      if [ "$1" = metadata ]; then
          exec '#{CARGO}' "$@"
      fi
      echo "cargo $*" >>#{@folder}/calls
      mkdir -p "${!#}/memchr-2.8.3/src"
      echo '{"files":{}}' >"${!#}/memchr-2.8.3/.cargo-checksum.json"
      echo '// a crate' >"${!#}/memchr-2.8.3/src/lib.rs"
    SH
    put('tools/bosh', "#!/usr/bin/env bash\necho \"bosh $* in $PWD\" >>#{@folder}/calls\n")
    { 'PATH' => "#{@folder}/tools:#{ENV.fetch('PATH')}" }
  end

  def create(copy, *options)
    out, err, status = Harness.run(File.join(copy, 'bosh/scripts/create-release'), *options, env: tools)
    assert_predicate status, :success?, out + err
    err
  end

  def test_create_release_puts_everything_into_the_folder
    copy = repository
    said = create(copy, '--force', '--name', 'x')
    assert_match(/no Rust toolchain in this release/, said)
    assert_equal ["cargo vendor --quiet --locked --versioned-dirs --manifest-path #{copy}/Cargo.toml #{copy}/bosh/src/promfetch.new/vendor", "bosh create-release --force --name x in #{copy}/bosh"],
                 File.readlines(File.join(@folder, 'calls'), chomp: true)
    release = Harness::ReleaseFolder.new(File.join(copy, 'bosh'))
    assert_empty release.problems

    sources = release.files('promfetch/**/*')
    %w[Cargo.toml Cargo.lock include/promfetch.h core/src/lib.rs broker/src/main.rs broker/src/store/database/migrations/mysql/1_start.sql broker/src/web/assets/style.css core/proto/metrics.proto
       ffi/src/lib.rs ffi/contract.txt ffi/build.rs vendor.tar.gz].each { |file| assert_includes sources, "promfetch/#{file}" }
    assert_empty sources.grep(%r{^promfetch/(tests/(corpus|bosh)|ffi/(go|python|abi|examples))/})
    # git has nothing to say about what was put there.
    assert_empty Harness.run('git', '-C', copy, 'status', '--porcelain', '--', 'bosh')[0].lines.reject { |line| line.start_with?('A ') }
  end

  # Whatever the sources include at compile time has to be there, too.
  def test_files_that_the_sources_include_are_in_the_release
    copy = repository
    create(copy, '--stage')
    staged = File.join(copy, 'bosh/src/promfetch')
    included = Dir[File.join(staged, '{core,broker,ffi}/**/*.rs')].flat_map do |file|
      text = File.read(file)
      assert_equal text.scan(/\binclude(?:_str|_bytes|_dir)?!/).size, text.scan(/\binclude(?:_str|_bytes)?!\s*\(\s*"/).size, "#{file}: only paths that stand there are found by scripts/create-release"
      text.scan(/include(?:_str|_bytes)?!\s*\(\s*"(.*?)"/).flatten.map { |path| File.expand_path(path, File.dirname(file)) }
    end
    assert_operator included.size, :>, 25
    included.each do |file|
      path = file.delete_prefix("#{staged}/")
      assert_path_exists file
      assert_equal File.read(File.join(Harness::REPOSITORY, path)), File.read(file)
    end
    assert(included.any? { |file| file.start_with?("#{staged}/manifests/") })
  end

  # What the packages build may depend on no other member: those are there in name only.
  def test_members_that_are_built_need_no_others
    built = File.read(File.join(Harness::RELEASE, 'scripts/create-release'))[/^built=\((.*)\)/, 1].split
    described = JSON.parse(Harness.run(CARGO, 'metadata', '--no-deps', '--offline', '--format-version', '1', '--manifest-path', File.join(Harness::REPOSITORY, 'Cargo.toml'))[0])
    folders = described['packages'].to_h { |package| [File.dirname(package['manifest_path']).delete_prefix("#{described['workspace_root']}/"), package] }
    built.each { |member| assert_empty folders.fetch(member)['dependencies'].reject { |one| one['kind'] == 'dev' }.filter_map { |one| one['path']&.delete_prefix("#{described['workspace_root']}/") } - built, member }
    Dir[File.join(Harness::RELEASE, 'packages/*/packaging')].flat_map { |file| File.read(file).scan(/^cargo .*-p (\S+)/).flatten }.each do |name|
      assert_includes built.map { |member| folders.fetch(member)['name'] }, name
    end
  end

  # cargo loads a workspace with all its members or not at all, and Cargo.lock is for all of them.
  def test_a_member_that_is_not_built_is_there_in_name_only
    copy = repository
    put('repository/further/Cargo.toml', <<~TOML, mode: 0o644)
      [package]
      name = "promfetch-further"
      version = "0.1.0"
      edition = "2024"
      build = "make.rs"

      [lib]
      path = "lib/all.rs"

      [[bin]]
      name = "promfetch-one"
      path = "one/main.rs"

      [[bin]]
      name = "promfetch-two"

      [dependencies]
      promfetch-core.workspace = true
    TOML
    %w[make.rs lib/all.rs one/main.rs src/bin/promfetch-two.rs].each { |file| put("repository/further/#{file}", 'compile_error!("not for BOSH");', mode: 0o644) }
    manifest = File.join(copy, 'Cargo.toml')
    File.write(manifest, File.read(manifest).sub(/^members = \[/, 'members = ["further", '))
    create(copy, '--stage')
    staged = File.join(copy, 'bosh/src/promfetch')
    %w[make.rs lib/all.rs one/main.rs src/bin/promfetch-two.rs].each { |file| assert_equal "fn main() {}\n", File.read(File.join(staged, 'further', file)) }
    out, err, status = Harness.run(CARGO, 'metadata', '--no-deps', '--offline', '--format-version', '1', '--manifest-path', File.join(staged, 'Cargo.toml'))
    assert_predicate status, :success?, err
    assert_equal File.read(manifest)[/^members = \[(.*?)\]/m, 1].scan(/"(.*?)"/).flatten.sort, JSON.parse(out)['packages'].map { |package| File.dirname(package['manifest_path']).delete_prefix("#{staged}/") }.sort
    JSON.parse(out)['packages'].flat_map { |package| package['targets'] }.each { |target| assert_path_exists target['src_path'] }
  end

  def test_the_same_sources_make_the_same_bytes
    copy = repository
    sums = Array.new(2) do
      create(copy, '--stage')
      FileUtils.touch(File.join(copy, 'Cargo.toml'))
      Digest::SHA256.file(File.join(copy, 'bosh/src/promfetch/vendor.tar.gz')).hexdigest
    end
    assert_equal 1, sums.uniq.size
    refute File.exist?(File.join(@folder, 'calls')) && File.read(File.join(@folder, 'calls')).include?('bosh '), '--stage makes no release'
  end

  def prebuilt
    put('prebuilt/bin/promfetch', "#!/bin/sh\necho \"promfetch 0.1.0 $*\"\n")
    put('prebuilt/lib/libpromfetch.so.1.0.1.0', 'library', mode: 0o644)
    FileUtils.ln_sf('libpromfetch.so.1.0.1.0', File.join(@folder, 'prebuilt/lib/libpromfetch.so.1'))
    put('prebuilt/include/promfetch.h', 'header', mode: 0o644)
    File.join(@folder, 'prebuilt')
  end

  def test_a_release_of_prebuilt_programs
    copy = repository
    create(copy, '--prebuilt', prebuilt, '--force')
    release = Harness::ReleaseFolder.new(File.join(copy, 'bosh'))
    assert_empty release.problems
    assert_equal %w[prebuilt/bin/promfetch prebuilt/include/promfetch.h prebuilt/lib/libpromfetch.so.1].map { |file| "promfetch/#{file}" }, release.files('promfetch/**/*').sort
    refute_includes File.read(File.join(@folder, 'calls')), 'cargo'
    target = package(copy, 'promfetch')
    assert File.executable?(File.join(target, 'bin/promfetch'))
    target = package(copy, 'libpromfetch')
    assert_equal 'library', File.read(File.join(target, 'lib/libpromfetch.so'))
    assert_path_exists File.join(target, 'include/promfetch.h')
  end

  def test_a_prebuilt_folder_without_the_program_is_refused
    copy = repository
    FileUtils.mkdir_p(File.join(@folder, 'empty'))
    _out, err, status = Harness.run(File.join(copy, 'bosh/scripts/create-release'), '--prebuilt', File.join(@folder, 'empty'), env: tools)
    assert_equal [1, true], [status.exitstatus, err.include?('bin/promfetch is not there')]
  end

  # ---- packaging

  # Runs a packaging script as the agent does: in a folder with the package's files. Gives what it installed.
  def package(copy, name, env: {}, succeeds: true)
    spec = YAML.safe_load(File.read(File.join(copy, 'bosh/packages', name, 'spec')))
    compile = File.join(@folder, 'compile', name)
    FileUtils.rm_rf(compile)
    FileUtils.mkdir_p(compile)
    spec['files'].each do |pattern|
      %w[src blobs].each { |root| Dir[File.join(copy, 'bosh', root, pattern.split('/').first)].each { |folder| FileUtils.cp_r(folder, compile) } }
    end
    target = File.join(@folder, 'packages', name)
    FileUtils.rm_rf(target)
    FileUtils.mkdir_p(target)
    @out, @err, status = Harness.run('bash', '-c', "cd #{compile} && exec bash #{copy}/bosh/packages/#{name}/packaging",
                                     env: { 'BOSH_COMPILE_TARGET' => compile, 'BOSH_INSTALL_TARGET' => target, 'BOSH_PACKAGES_DIR' => File.join(@folder, 'packages') }.merge(env))
    assert_equal succeeds, status.success?, @out + @err
    target
  end

  # A toolchain in the form of the one from static downloads: an installer and a cargo that says how it was called.
  def toolchain(copy)
    name = 'rust-1.99.0-x86_64-unknown-linux-gnu'
    put("#{name}/install.sh", <<~'SH')
      #!/usr/bin/env bash
      for option; do case $option in --prefix=*) prefix=${option#--prefix=} ;; esac; done
      mkdir -p "$prefix/bin"
      cp cargo "$prefix/bin/"
    SH
    put("#{name}/cargo", <<~SH)
      #!/usr/bin/env bash
      set -e
      echo "$*" >>#{@folder}/built
      touch "$CARGO_HOME/writable"
      cat "$CARGO_HOME/config.toml" >#{@folder}/config.toml
      test -e vendor/memchr-2.8.3/.cargo-checksum.json
      mkdir -p "$CARGO_TARGET_DIR/release"
      printf '#!/bin/sh\\necho built\\n' >"$CARGO_TARGET_DIR/release/promfetch"
      echo built >"$CARGO_TARGET_DIR/release/libpromfetch.so"
      echo built >"$CARGO_TARGET_DIR/release/libpromfetch.a"
    SH
    FileUtils.mkdir_p(File.join(copy, 'bosh/blobs/rust-1-linux'))
    Harness.run('tar', 'czf', File.join(copy, "bosh/blobs/rust-1-linux/#{name}.tar.gz"), '-C', @folder, name)
  end

  def test_packages_are_built_offline_from_vendored_crates
    copy = repository
    toolchain(copy)
    refute_match(/no Rust toolchain/, create(copy, '--stage'))
    rust = package(copy, 'rust-1-linux')
    FileUtils.chmod_R('a-w', rust)
    assert_equal "built\n", Harness.run(File.join(package(copy, 'promfetch'), 'bin/promfetch'))[0]
    library = package(copy, 'libpromfetch')
    assert_equal 'libpromfetch.so.1', File.readlink(File.join(library, 'lib/libpromfetch.so'))
    %w[lib/libpromfetch.so.1 lib/libpromfetch.a include/promfetch.h].each { |file| assert_path_exists File.join(library, file) }
    assert_equal ['build --release --locked --offline -p promfetch-broker --bin promfetch', 'rustc --release --locked --offline -p promfetch-ffi --lib --crate-type cdylib,staticlib'],
                 File.readlines(File.join(@folder, 'built'), chomp: true)
    config = File.read(File.join(@folder, 'config.toml'))
    assert_includes config, %(replace-with = "vendored")
    assert_includes config, %(directory = "#{@folder}/compile/libpromfetch/promfetch/vendor")
    refute_path_exists File.join(rust, '.cargo'), 'the installed toolchain stays as it is'
  ensure
    FileUtils.chmod_R('u+w', @folder)
  end

  # The script of `make bosh-compile`, with a toolchain that looks around instead of building.
  def test_compile_offline_has_no_network_and_nothing_of_this_machine
    skip 'needs a network namespace' unless Harness.run('unshare', '--net', 'true').last.success?
    copy = repository
    create(copy, '--stage')
    put('sysroot/bin/cargo', <<~SH)
      #!/usr/bin/env bash
      set -e
      { echo "$*"; env; cat /proc/net/dev; } >>#{@folder}/seen
      mkdir -p "$CARGO_TARGET_DIR/release"
      printf '#!/bin/sh\\necho built\\n' >"$CARGO_TARGET_DIR/release/promfetch"
      touch "$CARGO_TARGET_DIR/release/libpromfetch.so" "$CARGO_TARGET_DIR/release/libpromfetch.a"
    SH
    put('tools/rustc', "#!/bin/sh\necho #{@folder}/sysroot\n")
    out, err, status = Harness.run(File.join(copy, 'bosh/scripts/compile-offline'), env: tools.merge('SECRET_OF_THIS_MACHINE' => 'x', 'CARGO_HOME' => '/nowhere'))
    assert_predicate status, :success?, out + err
    assert_includes out, 'compiled without a network: promfetch libpromfetch'
    seen = File.read(File.join(@folder, 'seen'))
    assert_equal ['lo'], seen.scan(/^\s*(\S+):\s+\d+ +\d/).flatten.uniq
    refute_match(/SECRET_OF_THIS_MACHINE|nowhere/, seen)
    assert_equal 2, seen.scan(/--locked --offline/).size
  end

  def test_without_a_toolchain_compilation_says_what_to_do
    copy = repository
    create(copy, '--stage')
    assert_path_exists File.join(package(copy, 'rust-1-linux'), 'bosh/compile.env')
    package(copy, 'promfetch', env: { 'PATH' => '/usr/bin:/bin' }, succeeds: File.executable?('/usr/bin/cargo'))
    assert_match(/neither a prebuilt promfetch in this release nor a Rust toolchain/, @err) unless File.executable?('/usr/bin/cargo')
  end

  # ---- alerts and dashboards

  def test_alerts_and_dashboards_are_those_of_manifests
    copy = repository
    said, err, status = Harness.run(File.join(copy, 'bosh/scripts/copy-monitoring'))
    assert_predicate status, :success?, said + err
    FileUtils.mkdir_p([File.join(copy, 'manifests/prometheus'), File.join(copy, 'manifests/grafana')])
    FileUtils.mkdir_p(File.join(copy, 'manifests/prometheus/rules'))
    File.write(File.join(copy, 'manifests/prometheus/rules/zz.rules.yml'), "groups: []\n")
    File.write(File.join(copy, 'manifests/prometheus/zz.test.yml'), "rule_files: [zz.rules.yml]\n")
    File.write(File.join(copy, 'manifests/grafana/zz.json'), "{\"panels\": []}\n")
    said, = Harness.run(File.join(copy, 'bosh/scripts/copy-monitoring'))
    assert_match(/zz\.rules\.yml/, said)
    assert_match(/--update/, Harness.run(File.join(copy, 'bosh/scripts/copy-monitoring'))[1])
    Harness.run(File.join(copy, 'bosh/scripts/copy-monitoring'), '--update')
    alerts = Harness::Job.new('promfetch_alerts', release: File.join(copy, 'bosh'))
    assert_equal 'zz.rules.yml', alerts.templates['zz.rules.yml']
    refute alerts.templates.key?('zz.test.yml')
    assert_includes Harness::Job.new('promfetch_dashboards', release: File.join(copy, 'bosh')).templates, 'zz.json'
    File.write(File.join(copy, 'manifests/grafana/zz.json'), "{\"panels\": [\"<%= 1 %>\"]}\n")
    assert_match(/hold <%/, Harness.run(File.join(copy, 'bosh/scripts/copy-monitoring'))[1])
    File.write(File.join(copy, 'manifests/grafana/zz.json'), "{\"panels\": [\"\u00b5\"]}\n")
    assert_match(/not plain ASCII/, Harness.run(File.join(copy, 'bosh/scripts/copy-monitoring'))[1])
  end

  # What is copied comes out of the renderer as it went in.
  def test_copied_files_are_rendered_unchanged
    %w[promfetch_alerts promfetch_dashboards].each do |name|
      job = Harness::Job.new(name)
      job.templates.each { |template, path| assert_equal File.read(job.source(template)), job.render(path) }
    end
  end
end

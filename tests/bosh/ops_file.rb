# The applier of ops files itself: what `bosh int` takes, it takes, and what `bosh int` refuses, it refuses.
#
#     ruby tests/bosh/ops_file.rb

require "minitest/autorun"
require_relative "support/ops_file"

class TheApplier < Minitest::Test
  MANIFEST = {
    "name" => "cf",
    "groups" => [{ "name" => "a", "jobs" => [{ "name" => "j", "properties" => { "x" => 1 } }] }, { "name" => "b" }],
    "hosts" => %w[one two three]
  }.freeze

  def replaced(path, value)
    OpsFile.apply(MANIFEST, [{ "type" => "replace", "path" => path, "value" => value }])
  end

  def removed(path)
    OpsFile.apply(MANIFEST, [{ "type" => "remove", "path" => path }])
  end

  def refuses(type, path, *because)
    operation = { "type" => type, "path" => path }
    operation["value"] = 1 if type == "replace"
    error = assert_raises(OpsFile::Error) { OpsFile.apply(MANIFEST, [operation]) }
    because.each { |part| assert_includes error.message, part }
  end

  def test_keys
    assert_equal "x", replaced("/name", "x")["name"]
    assert_equal({ "k" => 2 }, replaced("/new?", { "k" => 2 })["new"])
    assert_equal 2, replaced("/new?/deep/er", 2).dig("new", "deep", "er")
    assert_equal [2], replaced("/new?/-", 2)["new"]
    assert_equal [{ "name" => "c", "v" => 2 }], replaced("/new?/name=c/v", 2)["new"]
    refuses "replace", "/new", "no such key"
    refuses "replace", "/name/x", "expected a map"
    refuses "replace", "/hosts/x", "expected a map"
    assert_equal "cf", MANIFEST["name"]
  end

  def test_elements_by_name
    assert_equal 2, replaced("/groups/name=a/jobs/name=j/properties/x", 2).dig("groups", 0, "jobs", 0, "properties", "x")
    assert_equal({ "name" => "c" }, replaced("/groups/name=c?", { "name" => "c" })["groups"].last)
    assert_equal({ "name" => "c", "jobs" => [1] }, replaced("/groups/name=c?/jobs/-", 1)["groups"].last)
    assert_equal "new", replaced("/groups/name=b", "new")["groups"][1]
    refuses "replace", "/groups/name=c/jobs", "0 elements match"
    refuses "replace", "/hosts/name=c", "0 elements match"
    refuses "replace", "/name/name=c", "expected a list"
    twice = MANIFEST.merge("groups" => [{ "name" => "a" }, { "name" => "a" }])
    assert_raises(OpsFile::Error) { OpsFile.apply(twice, [{ "type" => "remove", "path" => "/groups/name=a?" }]) }
  end

  def test_elements_by_position
    assert_equal %w[1 two three], replaced("/hosts/0", "1")["hosts"]
    assert_equal %w[one two 3], replaced("/hosts/-1", "3")["hosts"]
    assert_equal %w[one two three four], replaced("/hosts/-", "four")["hosts"]
    assert_equal %w[zero one two three], replaced("/hosts/0:before", "zero")["hosts"]
    assert_equal %w[one between two three], replaced("/hosts/0:after", "between")["hosts"]
    assert_equal %w[one 2 three], replaced("/hosts/0:next", "2")["hosts"]
    assert_equal %w[one 2 three], replaced("/hosts/2:prev", "2")["hosts"]
    assert_equal "c", replaced("/groups/name=a:after", { "name" => "c" })["groups"][1]["name"]
    refuses "replace", "/hosts/3", "3 elements"
    refuses "replace", "/hosts/-/x", "end of a path"
    refuses "replace", "/groups/name=c:before", "0 elements"
  end

  def test_removal
    refute removed("/name").key?("name")
    assert_equal %w[one three], removed("/hosts/1")["hosts"]
    assert_equal ["b"], removed("/groups/name=a")["groups"].map { |group| group["name"] }
    assert_equal MANIFEST, removed("/missing?")
    assert_equal MANIFEST, removed("/groups/name=c?/jobs/name=x")
    assert_equal MANIFEST, removed("/groups/name=b/jobs?/name=x")
    refuses "remove", "/missing", "no such key"
    refuses "remove", "/groups/name=c", "0 elements"
    refuses "remove", "/groups/name=b/jobs/name=x?", "no such key"
    refuses "remove", "/hosts/-", "cannot be removed"
    refuses "remove", "/", "root"
  end

  def test_what_is_no_operation
    refuses "test", "/name", "unknown type"
    refuses "replace", "name", "begins with /"
    refuses "replace", "/a//b", "empty step"
    [{ "type" => "replace", "path" => "/name" }, { "type" => "remove", "path" => "/name", "value" => 1 },
     { "type" => "replace", "path" => "/name", "value" => 1, "valeu" => 1 }].each do |operation|
      assert_raises(OpsFile::Error) { OpsFile.apply(MANIFEST, [operation]) }
    end
  end

  def test_escapes
    odd = { "a/b" => { "c:d" => [{ "n" => "x/y" }] } }
    result = OpsFile.apply(odd, [{ "type" => "replace", "path" => "/a~1b/c~7d/n=x~1y/v?", "value" => 1 }])
    assert_equal({ "n" => "x/y", "v" => 1 }, result["a/b"]["c:d"][0])
  end
end

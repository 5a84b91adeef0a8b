# Sourced, after scripts/lib/bootstrap.sh: what a Hadoop of its own needs. The jars come from Maven Central, once (about 90 MB a
# version), and stay below the user's cache.

# hadoop_folder VERSION: prints where the jars of a version are. Clones share it, so it is named after what is in it.
hadoop_folder() {
  contents=$(sha256sum <"$root/scripts/hadoop/pom.xml" | cut -c 1-8)
  printf '%s\n' "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dask-gateway/hadoop-$1-$contents"
}

hadoop_packages='openjdk-17-jdk-headless maven krb5-kdc krb5-admin-server krb5-user libgssapi-krb5-2 iproute2 curl'

# hadoop_jars VERSION: whole or not there, as another clone may fetch them at the same time, or use them.
hadoop_jars() {
  folder=$(hadoop_folder "$1")
  [ ! -d "$folder" ] || return 0
  say "fetching the jars of Hadoop $1 into $folder"
  rm -rf "$folder.$$"
  mkdir -p "$folder.$$"
  mvn --batch-mode --quiet --file "$root/scripts/hadoop/pom.xml" "-Dhadoop=$1" dependency:copy-dependencies \
    -DincludeScope=runtime "-DoutputDirectory=$folder.$$" >&2
  mv -T "$folder.$$" "$folder" 2>/dev/null || rm -rf "$folder.$$"
  [ -d "$folder" ] || fail "the jars of Hadoop $1 cannot be put into $folder"
}

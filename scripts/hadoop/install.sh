# Sourced, after scripts/lib/bootstrap.sh: what a Hadoop of its own needs. The jars come from Maven Central, once (about 90 MB a
# version), and stay below the user's cache.

# hadoop_folder VERSION: prints where the jars of a version are.
hadoop_folder() { printf '%s\n' "${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/dask-gateway/hadoop-$1"; }

hadoop_packages='openjdk-17-jdk-headless maven krb5-kdc krb5-admin-server krb5-user libgssapi-krb5-2 iproute2 curl'

# hadoop_jars VERSION
hadoop_jars() {
  folder=$(hadoop_folder "$1")
  wanted="$1 $(digest "$root/scripts/hadoop/pom.xml")"
  is_stamped "$folder/.stamp" "$wanted" && return 0
  say "fetching the jars of Hadoop $1 into $folder"
  rm -rf "$folder"
  mkdir -p "$folder"
  mvn --batch-mode --quiet --file "$root/scripts/hadoop/pom.xml" "-Dhadoop=$1" dependency:copy-dependencies \
    -DincludeScope=runtime "-DoutputDirectory=$folder" >&2
  printf '%s\n' "$wanted" >"$folder/.stamp"
}
